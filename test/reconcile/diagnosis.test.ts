import {
  DeleteVpcEndpointsCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import { DeleteRolePolicyCommand, DetachRolePolicyCommand } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { type BastionSpec, condition } from '../../controller/api/bastion.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, startHarness } from './harness.ts';

const MINUTE = 60_000;
const HYBRID = (issuer: 'Controller' | 'Task') =>
  ({ access: { transport: 'HybridActivation', activation: { issuer } } }) as const;

const tasks = (harness: Harness) => {
  harness.simulator.settle();
  return harness.simulator.ecs.tasks();
};

/** Up to the moment when a task has just been started, so that what is taken away now is missing when it needs it. */
async function starting(spec: Partial<BastionSpec> = {}): Promise<Harness> {
  const harness = startHarness();
  await harness.apply('orders', { ttl: '24h', ...spec });
  await harness.runUntil(async () => tasks(harness).length > 0, 10 * MINUTE);
  return harness;
}

async function running(spec: Partial<BastionSpec> = {}): Promise<Harness> {
  const harness = await starting(spec);
  await harness.runUntil(async () => tasks(harness)[0]?.lastStatus === 'RUNNING', 5 * MINUTE);
  return harness;
}

async function idOf(harness: Harness, key: string): Promise<string> {
  const { status } = await harness.get('orders');
  return status?.resources?.find((resource) => resource.key.includes(key))?.id ?? '';
}

async function dropEndpoint(harness: Harness, service: string): Promise<void> {
  const VpcEndpointIds = [await idOf(harness, `${ORDINARY.isolatedVpc}/${service}`)];
  await harness.aws().ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds }));
}

async function dropEgress(harness: Harness, peer: 'pl-' | 'sg-'): Promise<void> {
  const GroupId = await idOf(harness, '/task/default/orders');
  const rules = [...(harness.simulator.ec2.state.groups.get(GroupId)?.rules.values() ?? [])];
  const doomed = rules
    .filter((rule) => rule.egress && rule.peer.value.startsWith(peer))
    .map((rule) => rule.id);
  await harness
    .aws()
    .ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, SecurityGroupRuleIds: doomed }));
}

async function dropIngress(harness: Harness): Promise<void> {
  const GroupId = await idOf(harness, '/endpoints');
  const IpPermissions = [
    { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: '10.0.0.0/16' }] },
  ];
  await harness.aws().ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
}

async function dropPolicies(harness: Harness, role: string): Promise<void> {
  const found = harness.simulator.iam.roles.all().find((candidate) => candidate.name.endsWith(role));
  const RoleName = found?.name;
  for (const PolicyArn of found?.attached ?? [])
    await harness.aws().iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
  for (const PolicyName of [...(found?.inline.keys() ?? [])])
    await harness.aws().iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
}

/** Nobody may mend it before it shows. */
function keepSpoilt({ simulator }: Harness): (() => void)[] {
  const repairs = [
    ['ec2', 'CreateVpcEndpoint'],
    ['ec2', 'AuthorizeSecurityGroupEgress'],
    ['ec2', 'AuthorizeSecurityGroupIngress'],
    ['iam', 'PutRolePolicy'],
    ['iam', 'AttachRolePolicy'],
    ['logs', 'CreateLogGroup'],
    ['ssm', 'PutParameter'],
  ] as const;
  return repairs.map(([service, operation]) => simulator.faults.deny(service, operation));
}

interface Case {
  readonly spec?: Partial<BastionSpec>;
  readonly spoil: (harness: Harness) => Promise<void> | void;
  readonly says: RegExp;
}

const STOPS: Record<string, Case> = {
  'endpoint ecr.api is missing': {
    spoil: (harness) => dropEndpoint(harness, 'ecr.api'),
    says: /^cannot reach ECR: endpoint ecr.api (missing|is deleting)/,
  },
  'endpoint ecr.dkr is missing': {
    spoil: (harness) => dropEndpoint(harness, 'ecr.dkr'),
    says: /^cannot reach ECR: endpoint ecr.dkr (missing|is deleting)/,
  },
  'endpoint s3 is missing': {
    spoil: (harness) => dropEndpoint(harness, 's3'),
    says: /^cannot reach S3, where ECR keeps image layers: endpoint s3 (missing|is deleting)/,
  },
  'endpoint logs is missing': {
    spoil: (harness) => dropEndpoint(harness, 'logs'),
    says: /^cannot reach CloudWatch Logs: endpoint logs (missing|is deleting)/,
  },
  'endpoint ssm is missing when the activation code is read': {
    spec: HYBRID('Controller'),
    spoil: (harness) => dropEndpoint(harness, 'ssm'),
    says: /^cannot reach Systems Manager: endpoint ssm (missing|is deleting)/,
  },
  'egress to the S3 prefix list is missing': {
    spoil: (harness) => dropEgress(harness, 'pl-'),
    says: /^cannot reach S3, where ECR keeps image layers: egress to the S3 prefix list missing/,
  },
  'egress to the endpoints is missing': {
    spoil: (harness) => dropEgress(harness, 'sg-'),
    says: /^cannot reach ECR: egress 443 to the endpoints' group missing/,
  },
  "ingress of the endpoints' group is missing": {
    spoil: dropIngress,
    says: /^cannot reach ECR: ingress 443 on the endpoints' group missing/,
  },
  'the execution role lacks its policy': {
    spoil: (harness) => dropPolicies(harness, '-execution'),
    says: /^the task execution role lacks a permission: .*ecr:GetAuthorizationToken/,
  },
  'the execution role may not read the activation code': {
    spec: HYBRID('Controller'),
    spoil: (harness) => dropPolicies(harness, '-execution-with-secret'),
    says: /^the task execution role lacks a permission: .*ssm:GetParameters/,
  },
  'the parameter with the activation code is gone': {
    spec: HYBRID('Controller'),
    spoil: ({ simulator }) => simulator.ssm.state.parameters.clear(),
    says: /^the parameter with the activation code is gone: .*invalid parameters/,
  },
  'the image does not exist': {
    spoil: ({ simulator }) => {
      simulator.ecs.missingImages.add('123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/bastion:latest');
    },
    says: /^the image or its tag does not exist in the registry: .*bastion:latest: not found/,
  },
  'the log group is missing': {
    spoil: ({ simulator }) => {
      simulator.logs.operations['DeleteLogGroup']?.({ logGroupName: '/bastion-operator/test' });
    },
    says: /^the log group does not exist: .*The specified log group does not exist/,
  },
  'the image is made for another architecture': {
    spoil: ({ simulator }) => {
      simulator.ecs.imageArchitectures.set(
        '123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/bastion:latest',
        'ARM64',
      );
    },
    says: /^container exited with 1/,
  },
  'the task cannot pass the role for its own activation': {
    spec: HYBRID('Task'),
    spoil: (harness) => dropPolicies(harness, '-task-activation'),
    says: /^cannot make its activation: role task-activation lacks .*iam:PassRole/,
  },
};

describe('the reason of a stopped task says what to do:', () => {
  for (const [what, { spec, spoil, says }] of Object.entries(STOPS)) {
    it(what, async () => {
      const harness = await starting(spec);
      await spoil(harness);
      const undo = keepSpoilt(harness);
      await harness.runUntil(
        async () => (await harness.get('orders')).status?.task?.lastStoppedReason !== undefined,
        5 * MINUTE,
      );
      const { status } = await harness.get('orders');
      expect(status?.task?.lastStoppedReason).toMatch(says);
      const events = (await harness.api.events.list()).items.filter(
        (event) => event.reason === 'TaskStopped',
      );
      expect(events[0]?.message).toMatch(says);
      expect(events[0]?.type).toBe('Warning');
      for (const allow of undo) allow();
      harness.simulator.ecs.missingImages.clear();
      harness.simulator.ecs.imageArchitectures.clear();
      await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', 15 * MINUTE);
    });
  }

  /** Texts of AWS for what the simulator does not do by itself. */
  const TEXTS = {
    'CannotPullContainerError: pull image manifest has been retried 1 time(s): 403 Forbidden':
      /does not allow the pull: .*403 Forbidden$/,
    'OutOfMemoryError: Container killed due to memory usage':
      /^the container ran out of memory: raise spec.task.memory/,
    'CannotStartContainerError: exec format error':
      /^the image is for another architecture: set spec.task.architecture/,
  };
  for (const [text, says] of Object.entries(TEXTS)) {
    it(text, async () => {
      const harness = await starting();
      const [started] = tasks(harness);
      harness.simulator.ecs.retire(started?.arn ?? '');
      if (started) started.stoppedReason = text;
      await harness.runUntil(
        async () => (await harness.get('orders')).status?.task?.lastStoppedReason !== undefined,
        5 * MINUTE,
      );
      expect((await harness.get('orders')).status?.task?.lastStoppedReason).toMatch(says);
    });
  }

  it('and stays in the condition while the next try waits', async () => {
    const harness = await starting();
    const image = '123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/bastion:latest';
    harness.simulator.ecs.missingImages.add(image);
    await harness.run(15 * MINUTE);
    expect(condition(await harness.get('orders'), 'TaskRunning')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('the image or its tag does not exist'),
    });
    expect(await harness.phase('orders')).toBe('Failed');
    const { status } = await harness.get('orders');
    expect(status?.task?.failures).toBeGreaterThan(3);
    // The pause doubles: a quarter of an hour of tries is a handful.
    expect(tasks(harness).length).toBeLessThan(10);
    harness.simulator.ecs.missingImages.delete(image);
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', 15 * MINUTE);
  });

  it('Fargate without capacity is said and tried again', async () => {
    const harness = startHarness();
    harness.simulator.ecs.refuseCapacity(1000);
    await harness.apply('orders');
    await harness.run(5 * MINUTE);
    expect(condition(await harness.get('orders'), 'TaskRunning')?.message).toContain(
      'Capacity is unavailable',
    );
    harness.simulator.ecs.refuseCapacity(0);
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', 5 * MINUTE);
  });
});

const AGENTS: Record<string, Case> = {
  'endpoint ssmmessages is missing': {
    spoil: (harness) => dropEndpoint(harness, 'ssmmessages'),
    says: /the Exec agent is not connected: endpoint ssmmessages (missing|is deleting|is pending)/,
  },
  'the task role lacks the channel actions': {
    spoil: (harness) => dropPolicies(harness, '-task-exec'),
    says: /the Exec agent is not connected: role task-exec lacks ssmmessages:CreateControlChannel/,
  },
  'a managed node cannot reach its channel': {
    spec: HYBRID('Controller'),
    spoil: (harness) => dropEndpoint(harness, 'ssmmessages'),
    says: /agent is ConnectionLost: endpoint ssmmessages (missing|is deleting|is pending)/,
  },
};

describe('an agent that does not connect says why:', () => {
  for (const [what, { spec, spoil, says }] of Object.entries(AGENTS)) {
    it(what, async () => {
      const harness = await running(spec);
      keepSpoilt(harness);
      await spoil(harness);
      await harness.run(4 * MINUTE);
      const { conditions = [] } = (await harness.get('orders')).status ?? {};
      expect(conditions.map((one) => one.message).join('\n')).toMatch(says);
    });
  }
});
