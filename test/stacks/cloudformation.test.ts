import { describe, expect, it } from 'vitest';
import { createProgram } from '../../controller/app/config/controller-flags.ts';
import { DEFAULT_TABLE, foundationOf } from '../../controller/core/foundation-objects.ts';
import { TABLE_SCHEMA } from '../../controller/store/table.ts';
import { readPolicy, readTemplate, usualPartition } from './template.ts';

const { Parameters, Resources } = readTemplate();
const propertiesOf = (name: string) => Resources[name]?.Properties ?? {};

interface Container {
  readonly Command: readonly (string | readonly string[])[];
  readonly [name: string]: unknown;
}
const [container] = propertiesOf('TaskDefinition')['ContainerDefinitions'] as readonly Container[];

describe('the CloudFormation template', () => {
  it('holds the policies of deploy/iam; npm run generate writes them', () => {
    const [own] = propertiesOf('ControllerRole')['Policies'] as readonly { PolicyDocument: unknown }[];
    expect(usualPartition(own?.PolicyDocument)).toEqual(readPolicy('controller-policy.json'));
    expect(usualPartition(propertiesOf('Boundary')['PolicyDocument'])).toEqual(
      readPolicy('boundary-policy.json'),
    );
  });

  it('makes the same base as bastionctl install', () => {
    const documents = {
      'controller-policy.json': readPolicy('controller-policy.json'),
      'boundary-policy.json': readPolicy('boundary-policy.json'),
    };
    const request = {
      table: DEFAULT_TABLE,
      accountId: '<AWS::AccountId>',
      region: 'eu-west-1',
      trust: ['ecs-tasks.amazonaws.com'],
      documents,
      schema: TABLE_SCHEMA,
    };
    const base = new Map(foundationOf(request).map((object) => [`${object.kind}/${object.name}`, object]));
    expect([...base.keys()]).toEqual([
      `table/${String(propertiesOf('Table')['TableName'])}`,
      `policy/${String(propertiesOf('Boundary')['ManagedPolicyName'])}`,
      `role/${String(propertiesOf('ControllerRole')['RoleName'])}`,
      `role/${String(propertiesOf('ExecutionRole')['RoleName'])}`,
    ]);
    for (const name of ['ControllerRole', 'ExecutionRole']) {
      const { RoleName, AssumeRolePolicyDocument, ManagedPolicyArns = [], Description } = propertiesOf(name);
      const made = base.get(`role/${String(RoleName)}`);
      expect({
        AssumeRolePolicyDocument,
        Description,
        ManagedPolicyArns: usualPartition(ManagedPolicyArns),
      }).toEqual({
        AssumeRolePolicyDocument: made?.properties['AssumeRolePolicyDocument'],
        Description: made?.properties['Description'],
        ManagedPolicyArns: made?.properties['ManagedPolicyArns'],
      });
    }
  });

  it('makes the table that the store needs, protected, and keeps it when the stack goes', () => {
    expect(Resources['Table']).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(propertiesOf('Table')).toMatchObject({
      ...TABLE_SCHEMA,
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it('starts the controller with flags that it has', () => {
    const flags = (container?.Command ?? []).flat().filter((word) => word.startsWith('--'));
    const program = createProgram({ env: {}, defaultDataDir: '/data', version: '0' });
    const known = program.options.map(({ long }) => long);
    expect(flags.length).toBeGreaterThan(5);
    expect(flags.map((flag) => flag.split('=')[0]).filter((flag) => !known.includes(flag))).toEqual([]);
    expect(flags).toContain(
      '--permissions-boundary=arn:<AWS::Partition>:iam::{account}:policy/bastion-boundary',
    );
    expect(flags).toContain('--aws=real');
  });

  it('runs two of them hardened, in private subnets, and lets nobody in', () => {
    expect(Parameters['DesiredCount']?.Default).toBe(2);
    expect(propertiesOf('Service')).toMatchObject({
      LaunchType: 'FARGATE',
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
      DeploymentConfiguration: { DeploymentCircuitBreaker: { Enable: true, Rollback: true } },
    });
    expect(propertiesOf('SecurityGroup')['SecurityGroupIngress']).toBeUndefined();
    expect(container).toMatchObject({
      User: '65532:65532',
      ReadonlyRootFilesystem: true,
      StopTimeout: 30,
      LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
    });
  });

  it('alarms about nobody running, nobody leading, errors and throttling, and tells whoever is named', () => {
    const alarms = Object.values(Resources).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
    expect(alarms.map(({ Properties }) => Properties['AlarmName'])).toEqual([
      'bastion-controller-errors',
      'bastion-controller-absent',
      'bastion-controller-leaderless',
      'bastion-controller-table-reads-throttled',
      'bastion-controller-table-writes-throttled',
    ]);
    for (const { Properties } of alarms) {
      expect(Properties['AlarmActions']).toEqual(['HasAlarmTopic', ['<AlarmTopicArn>'], '<AWS::NoValue>']);
    }
  });
});
