import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../e2e/build.ts';
import { readTemplate } from '../stacks/template.ts';
import { pythonWithHcl } from './python-tool.ts';

const MODULE = join(ROOT, 'deploy/terraform');
const HCLFMT = 'github.com/hashicorp/hcl/v2/cmd/hclfmt@v2.24.0';
const HAS_TERRAFORM = runs('terraform', 'version');
const HAS_GO = runs('go', 'version');
const READ = 'import hcl2, json, sys; print(json.dumps(hcl2.load(open(sys.argv[1]))))';

type Body = Readonly<Record<string, unknown>>;
type Block = Readonly<Record<string, Readonly<Record<string, Body>>>>;

/** Strings without their quotes and with `<…>` for what is filled in, as the template is read; no notes of the parser. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') {
    const text = /^".*"$/s.test(value) ? String(JSON.parse(value)) : value;
    return text.replace(/^\$\{(.*)\}$/s, '<$1>').replace(/\$\{([^{}]*)\}/g, '<$1>');
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const own = Object.entries(value).filter(([key]) => !/^__/.test(key));
  return Object.fromEntries(own.map(([key, item]) => [key.replaceAll('"', ''), plain(item)]));
}

function read(file: string): Readonly<Record<string, readonly Block[]>> {
  const text = execFileSync(pythonWithHcl(), ['-c', READ, join(MODULE, file)], { encoding: 'utf8' });
  return plain(JSON.parse(text)) as Readonly<Record<string, readonly Block[]>>;
}

function resources(): ReadonlyMap<string, Body> {
  const blocks = read('main.tf')['resource'] ?? [];
  return new Map(
    blocks.flatMap((block) =>
      Object.entries(block).flatMap(([type, named]) =>
        Object.entries(named).map(([name, body]): [string, Body] => [`${type}.${name}`, body]),
      ),
    ),
  );
}

/** What the template refers to, as the module does. */
const REFERENCES: Readonly<Record<string, string>> = {
  '<Table>': '<aws_dynamodb_table.table.name>',
  '<Cluster>': '<aws_ecs_cluster.cluster.name>',
  '<LogGroup>': '<aws_cloudwatch_log_group.log.name>',
  '<TaskDefinition>': '<aws_ecs_task_definition.controller.arn>',
  '<ControllerRole.Arn>': '<aws_iam_role.controller.arn>',
  '<ExecutionRole.Arn>': '<aws_iam_role.execution.arn>',
  '<Service.Name>': '<aws_ecs_service.controller.name>',
  '<SecurityGroup.GroupId>': '<aws_security_group.controller.id>',
};

/** A value of the template as it stands in the module. */
function translated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(translated);
  if (typeof value !== 'string') return value;
  const [, parameter] = /^<([A-Za-z]+)>$/.exec(value) ?? [];
  return REFERENCES[value] ?? (parameter === undefined ? value : `<var.${snake(parameter)}>`);
}

function snake(name: string): string {
  return name.replace(/(?<!^)([A-Z])/g, '_$1').toLowerCase();
}

interface Counterpart {
  readonly in: string;
  /** Property of the template: attribute of the module with the same value. */
  readonly same: Readonly<Record<string, string>>;
  /** Properties that stand in the module in another shape, and what stands there. */
  readonly other?: Readonly<Record<string, Body>>;
  /** Attributes of the module that the template has elsewhere, or does not need. */
  readonly besides?: readonly string[];
}

const alarm = (name: string, dimensions?: Body): Counterpart => ({
  in: `aws_cloudwatch_metric_alarm.${name}`,
  same: {
    ...{ AlarmName: 'alarm_name', AlarmDescription: 'alarm_description', Namespace: 'namespace' },
    ...{ MetricName: 'metric_name', Statistic: 'statistic', Period: 'period', Threshold: 'threshold' },
    ...{ EvaluationPeriods: 'evaluation_periods', ComparisonOperator: 'comparison_operator' },
    TreatMissingData: 'treat_missing_data',
  },
  other: {
    AlarmActions: { alarm_actions: '<local.alarms_to>' },
    ...(dimensions === undefined ? {} : { Dimensions: { dimensions } }),
  },
});
const OF_TABLE = { TableName: '<aws_dynamodb_table.table.name>' };
const TAGS = { tags: '<local.tags>' };

const COUNTERPARTS: Readonly<Record<string, Counterpart>> = {
  Table: {
    in: 'aws_dynamodb_table.table',
    same: {
      TableName: 'name',
      BillingMode: 'billing_mode',
      DeletionProtectionEnabled: 'deletion_protection_enabled',
    },
    other: {
      AttributeDefinitions: {
        attribute: [
          { name: 'pk', type: 'S' },
          { name: 'sk', type: 'S' },
        ],
      },
      KeySchema: { hash_key: 'pk', range_key: 'sk' },
      PointInTimeRecoverySpecification: { point_in_time_recovery: [{ enabled: true }] },
      Tags: TAGS,
    },
    besides: ['lifecycle'],
  },
  Boundary: {
    in: 'aws_iam_policy.boundary',
    same: { ManagedPolicyName: 'name', Description: 'description' },
    other: { PolicyDocument: { policy: '<local.policies["boundary-policy"]>' } },
    besides: ['tags'],
  },
  ControllerRole: {
    in: 'aws_iam_role.controller',
    same: { RoleName: 'name', Description: 'description' },
    other: {
      AssumeRolePolicyDocument: { assume_role_policy: '<local.task_trust>' },
      Policies: {},
      Tags: { tags: '<merge(local.tags, {"bastion-operator.dev/trusts" = "ecs-tasks.amazonaws.com"})>' },
    },
  },
  ExecutionRole: {
    in: 'aws_iam_role.execution',
    same: { RoleName: 'name', Description: 'description' },
    other: {
      AssumeRolePolicyDocument: { assume_role_policy: '<local.task_trust>' },
      ManagedPolicyArns: {},
      Tags: TAGS,
    },
  },
  LogGroup: {
    in: 'aws_cloudwatch_log_group.log',
    same: { LogGroupName: 'name', RetentionInDays: 'retention_in_days' },
  },
  Cluster: { in: 'aws_ecs_cluster.cluster', same: { ClusterName: 'name' } },
  SecurityGroup: {
    in: 'aws_security_group.controller',
    same: { GroupDescription: 'description', VpcId: 'vpc_id' },
    other: {
      SecurityGroupEgress: {
        egress: [
          {
            ...{ protocol: 'tcp', from_port: 443, to_port: 443, cidr_blocks: ['0.0.0.0/0'] },
            description: 'AWS and git over https',
          },
        ],
      },
    },
    besides: ['name_prefix'],
  },
  TaskDefinition: {
    in: 'aws_ecs_task_definition.controller',
    same: {
      ...{
        Family: 'family',
        RequiresCompatibilities: 'requires_compatibilities',
        NetworkMode: 'network_mode',
      },
      ...{
        Cpu: 'cpu',
        Memory: 'memory',
        TaskRoleArn: 'task_role_arn',
        ExecutionRoleArn: 'execution_role_arn',
      },
    },
    other: {
      RuntimePlatform: {
        runtime_platform: [{ operating_system_family: 'LINUX', cpu_architecture: '<var.architecture>' }],
      },
      Volumes: { volume: [{ name: 'data' }] },
      ContainerDefinitions: {},
    },
    besides: ['container_definitions'],
  },
  Service: {
    in: 'aws_ecs_service.controller',
    same: {
      ...{ ServiceName: 'name', TaskDefinition: 'task_definition', LaunchType: 'launch_type' },
      DesiredCount: 'desired_count',
    },
    other: {
      Cluster: { cluster: '<aws_ecs_cluster.cluster.id>' },
      NetworkConfiguration: {
        network_configuration: [
          {
            ...{ assign_public_ip: false, subnets: '<var.subnet_ids>' },
            security_groups: ['<aws_security_group.controller.id>'],
          },
        ],
      },
      DeploymentConfiguration: {
        ...{ deployment_minimum_healthy_percent: 50, deployment_maximum_percent: 200 },
        deployment_circuit_breaker: [{ enable: true, rollback: true }],
      },
    },
  },
  ErrorFilter: {
    in: 'aws_cloudwatch_log_metric_filter.errors',
    same: { LogGroupName: 'log_group_name', FilterPattern: 'pattern' },
    other: {
      MetricTransformations: {
        metric_transformation: [
          { namespace: 'bastion-operator', name: 'ControllerErrors', value: '1', default_value: '0' },
        ],
      },
    },
    besides: ['name'],
  },
  ErrorAlarm: alarm('errors'),
  AbsentAlarm: alarm('absent', {
    ClusterName: '<aws_ecs_cluster.cluster.name>',
    ServiceName: '<aws_ecs_service.controller.name>',
  }),
  LeaderlessAlarm: alarm('leaderless', OF_TABLE),
  ReadThrottleAlarm: alarm('reads_throttled', OF_TABLE),
  WriteThrottleAlarm: alarm('writes_throttled', OF_TABLE),
};

/** What is one resource in the template and two in the module. */
const PARTS = new Map([
  [
    'aws_iam_role_policy.controller',
    {
      ...{ name: 'controller-policy', role: '<aws_iam_role.controller.id>' },
      policy: '<local.policies["controller-policy"]>',
    },
  ],
  [
    'aws_iam_role_policy_attachment.execution',
    {
      role: '<aws_iam_role.execution.name>',
      policy_arn: 'arn:<local.partition>:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy',
    },
  ],
]);

describe('the Terraform module', () => {
  const { Resources, Parameters, Outputs } = readTemplate();
  const found = resources();

  it('has the resources of the CloudFormation template, and no others', () => {
    expect(Object.keys(COUNTERPARTS).sort()).toEqual(Object.keys(Resources).sort());
    const expected = [...Object.values(COUNTERPARTS).map((one) => one.in), ...PARTS.keys()];
    expect([...found.keys()].sort()).toEqual(expected.sort());
  });

  it.each(Object.entries(COUNTERPARTS))(
    'says of %s what the template says, property by property',
    (name, one) => {
      const { Properties = {} } = Resources[name] ?? {};
      const { same, other = {}, besides = [] } = one;
      expect([...Object.keys(same), ...Object.keys(other)].sort()).toEqual(Object.keys(Properties).sort());
      const expected = Object.assign(
        Object.fromEntries(
          Object.entries(same).map(([property, attribute]) => [attribute, translated(Properties[property])]),
        ),
        ...Object.values(other),
      );
      const body = Object.entries(found.get(one.in) ?? {}).filter(
        ([attribute]) => !besides.includes(attribute),
      );
      expect(Object.fromEntries(body)).toEqual(expected);
    },
  );

  it.each([...PARTS])('says of %s what the template says of its role', (address, body) => {
    expect(found.get(address)).toEqual(body);
  });

  it('starts the same container', () => {
    const { ContainerDefinitions } = Resources['TaskDefinition']?.Properties ?? {};
    const [container = {}] = (ContainerDefinitions ?? []) as readonly Body[];
    const text = String(found.get('aws_ecs_task_definition.controller')?.['container_definitions']);
    for (const [property, value] of Object.entries(container)) {
      const name = property.charAt(0).toLowerCase() + property.slice(1);
      expect(text, name).toContain(`${name} = `);
      for (const word of wordsOf(value)) expect(text, name).toContain(word);
    }
  });

  it('has the parameters and outputs of the template, with the same defaults', () => {
    const variables = Object.assign({}, ...(read('variables.tf')['variable'] ?? [])) as Readonly<
      Record<string, Body>
    >;
    const defaults = Object.entries(variables).map(([name, body]) => [name, body['default']]);
    const expected = Object.entries(Parameters).map(([name, { Default }]) => [snake(name), Default]);
    expect(Object.fromEntries(defaults)).toEqual(Object.fromEntries(expected));
    const outputs = Object.assign({}, ...(read('outputs.tf')['output'] ?? [])) as Body;
    expect(Object.keys(outputs).sort()).toEqual(Object.keys(Outputs).map(snake).sort());
  });

  it.skipIf(!HAS_TERRAFORM && !HAS_GO)(
    'is written as terraform fmt writes it',
    () => {
      for (const file of ['main.tf', 'outputs.tf', 'variables.tf', 'versions.tf']) {
        const text = readFileSync(join(MODULE, file), 'utf8');
        expect(formatted(text), file).toBe(text);
      }
    },
    240_000,
  );
});

/** The texts of a value that both languages write the same. */
function wordsOf(value: unknown): string[] {
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  if (typeof value === 'string') return /[<{]|^Has/.test(value) ? [] : [value];
  if (Array.isArray(value)) return value.flatMap(wordsOf);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(wordsOf) : [];
}

/** By Terraform itself where it is installed, else by the formatter of its language, which Go fetches. */
function formatted(text: string): string {
  const [program, ...words] = HAS_TERRAFORM ? ['terraform', 'fmt', '-'] : ['go', 'run', HCLFMT];
  return execFileSync(program, words, { input: text, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
}

function runs(program: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
