import { describe, expect, it } from 'vitest';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import {
  ACCOUNT,
  type Answer,
  addRole,
  type Bed,
  EXECUTION_POLICY,
  faultOf,
  IMAGE,
  makeBed,
  NODE_POLICY,
  policy,
  REGION,
} from './bed.ts';

const TASKS = 'ecs-tasks.amazonaws.com';
const GROUP = '/bastion';
const CHANNELS = ['Create', 'Open'].flatMap((verb) => [
  `ssmmessages:${verb}ControlChannel`,
  `ssmmessages:${verb}DataChannel`,
]);

type Environment = Readonly<Record<string, string>>;

const toPairs = (environment: Environment) =>
  Object.entries(environment).map(([name, value]) => ({ name, value }));

function definition(container: object = {}, more: object = {}) {
  return {
    ...{ family: 'bastion', requiresCompatibilities: ['FARGATE'], networkMode: 'awsvpc' },
    ...{ cpu: '256', memory: '512', executionRoleArn: `arn:aws:iam::${ACCOUNT}:role/execution` },
    taskRoleArn: `arn:aws:iam::${ACCOUNT}:role/task`,
    containerDefinitions: [
      {
        ...{ name: 'bastion', image: IMAGE },
        logConfiguration: {
          logDriver: 'awslogs',
          options: { 'awslogs-group': GROUP, 'awslogs-region': REGION, 'awslogs-stream-prefix': 'b' },
        },
        ...container,
      },
    ],
    tags: [{ key: 'from', value: 'definition' }],
    ...more,
  };
}

/** Roles, group, cluster and definition as a working bastion has them, and propagated. */
async function workingBed(container: object = {}): Promise<Bed> {
  const bed = makeBed();
  addRole(bed, 'task', TASKS, CHANNELS);
  addRole(bed, 'execution', TASKS);
  bed.ask.iam('AttachRolePolicy', { RoleName: 'execution', PolicyArn: EXECUTION_POLICY });
  bed.ask.logs('CreateLogGroup', { logGroupName: GROUP });
  bed.ask.ecs('CreateCluster', { clusterName: 'main' });
  bed.ask.ecs('RegisterTaskDefinition', definition(container));
  await bed.clock.advance(60_000);
  return bed;
}

function run(bed: Bed, more: object = {}, environment: Environment = {}): Answer {
  return bed.ask.ecs('RunTask', {
    ...{ cluster: 'main', taskDefinition: 'bastion', launchType: 'FARGATE', enableExecuteCommand: true },
    networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'], securityGroups: ['sg-1'] } },
    overrides: { containerOverrides: [{ name: 'bastion', environment: toPairs(environment) }] },
    ...more,
  });
}

function look(bed: Bed, arn: string) {
  return bed.ask.ecs('DescribeTasks', { cluster: 'main', tasks: [arn], include: ['TAGS'] });
}

const runArn = (bed: Bed, more: object = {}, environment: Environment = {}) =>
  run(bed, more, environment).text('tasks', 0, 'taskArn');

/** The task some minutes later: running well, or stopped with its reason. */
async function runLong(bed: Bed, environment: Environment = {}): Promise<Answer> {
  const arn = runArn(bed, {}, environment);
  await bed.clock.advance(120_000);
  return look(bed, arn);
}

describe('a simulated task', () => {
  it('climbs the ladder, is reachable, and goes down to STOPPED with its interface', async () => {
    const bed = await workingBed();
    const started = run(bed, { propagateTags: 'TASK_DEFINITION', tags: [{ key: 'k', value: 'v' }] });
    const arn = started.text('tasks', 0, 'taskArn');
    expect(arn).toMatch(new RegExp(`^arn:aws:ecs:${REGION}:${ACCOUNT}:task/main/[0-9a-f]{32}$`));
    const seen: string[] = [];
    const watch = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        const status = look(bed, arn).text('tasks', 0, 'lastStatus');
        if (seen.at(-1) !== status) seen.push(status);
        await bed.clock.advance(1000);
      }
    };
    await watch(60);
    expect(seen.splice(0)).toEqual(['PROVISIONING', 'PENDING', 'ACTIVATING', 'RUNNING']);
    const running = look(bed, arn);
    expect(new Set(running.at('tasks', 0, 'tags') as object[])).toEqual(
      new Set([
        { key: 'from', value: 'definition' },
        { key: 'k', value: 'v' },
      ]),
    );
    const [eniId] = bed.attached;
    expect(new Set(running.at('tasks', 0, 'attachments', 0, 'details') as object[])).toEqual(
      new Set([
        { name: 'subnetId', value: 'subnet-1' },
        { name: 'networkInterfaceId', value: eniId },
        { name: 'privateIPv4Address', value: '10.0.1.7' },
      ]),
    );
    bed.ask.ecs('StopTask', { cluster: 'main', task: arn, reason: 'enough' });
    await watch(30);
    expect(seen).toEqual(['DEACTIVATING', 'STOPPING', 'DEPROVISIONING', 'STOPPED']);
    expect(look(bed, arn).at('tasks', 0)).toMatchObject({
      ...{ stopCode: 'UserInitiated', stoppedReason: 'enough', tags: [] },
    });
    expect(bed.attached.size).toBe(0);
    await bed.clock.advance(3_600_000);
    expect(look(bed, arn).at('failures')).toEqual([{ arn, reason: 'MISSING' }]);
  });

  it('takes sessions once its agent is connected, and ends them when it stops', async () => {
    const bed = await workingBed();
    const arn = runArn(bed);
    const target = () => {
      const runtimeId = look(bed, arn).text('tasks', 0, 'containers', 0, 'runtimeId');
      return `ecs:main_${arn.split('/').at(-1)}_${runtimeId}`;
    };
    const agent = () => look(bed, arn).text('tasks', 0, 'containers', 0, 'managedAgents', 0, 'lastStatus');
    await bed.clock.advance(31_000);
    expect(agent()).toBe('PENDING');
    expect(faultOf(() => bed.ask.ssm('StartSession', { Target: target() }))).toMatch(/^TargetNotConnected/);
    await bed.clock.advance(6_000);
    expect(agent()).toBe('RUNNING');
    bed.ask.ssm('StartSession', { Target: target() });
    const active = () => bed.ask.ssm('DescribeSessions', { State: 'Active' }).at('Sessions', 0);
    expect(active()).toBeDefined();
    bed.ask.ecs('StopTask', { cluster: 'main', task: arn });
    await bed.clock.advance(8_000);
    bed.world.settle();
    expect(active()).toBeUndefined();
  });

  it.each([
    ['ecr.api', /ResourceInitializationError: .*cannot pull registry authentication from Amazon ECR/],
    ['ecr.dkr', /CannotPullContainerError: .*failed to resolve ref .*i\/o timeout/],
    ['s3', /pull command failed: panic: runtime error: invalid memory address or nil pointer/],
    ['logs', /ResourceInitializationError: failed to initialize logging driver/],
  ])('does not start when it cannot reach %s', async (service, symptom) => {
    const bed = await workingBed();
    bed.blocked.add(service);
    const answer = await runLong(bed);
    expect(answer.text('tasks', 0, 'stopCode')).toBe('TaskFailedToStart');
    expect(answer.text('tasks', 0, 'stoppedReason')).toMatch(symptom);
    expect(bed.attached.size).toBe(0);
  });

  it.each([
    ['ecr:GetAuthorizationToken', /unable to pull secrets or registry auth.*AccessDeniedException/],
    ['ecr:BatchGetImage', /CannotPullContainerError.*403 Forbidden/],
    ['logs:CreateLogStream', /failed to initialize logging driver.*AccessDeniedException/],
    ['logs:PutLogEvents', /failed to initialize logging driver.*AccessDeniedException/],
  ])('does not start when its execution role does not allow %s', async (action, symptom) => {
    const bed = await workingBed();
    const PolicyDocument = policy(action).replace('Allow', 'Deny');
    bed.ask.iam('PutRolePolicy', { RoleName: 'execution', PolicyName: 'deny', PolicyDocument });
    expect((await runLong(bed)).text('tasks', 0, 'stoppedReason')).toMatch(symptom);
  });

  it('does not start without its image or its log group', async () => {
    const bed = await workingBed();
    bed.ecs.missingImages.add(IMAGE);
    expect((await runLong(bed)).text('tasks', 0, 'stoppedReason')).toMatch(/CannotPull.*: not found$/);
    bed.ecs.missingImages.clear();
    bed.ask.logs('DeleteLogGroup', { logGroupName: GROUP });
    expect((await runLong(bed)).text('tasks', 0, 'stoppedReason')).toMatch(/log group does not exist/);
  });

  it('needs the internet for an image from anywhere else', async () => {
    const images = ['public.ecr.aws/x/bastion:1', IMAGE.replace(REGION, 'eu-west-1'), 'alpine'];
    for (const image of images) {
      const bed = await workingBed({ image });
      bed.blocked.add('ecr.api').add('ecr.dkr').add('s3');
      expect((await runLong(bed)).text('tasks', 0, 'lastStatus')).toBe('RUNNING');
      bed.blocked.add('internet');
      expect((await runLong(bed)).text('tasks', 0, 'stoppedReason')).toMatch(/CannotPull.*i\/o timeout/);
    }
  });

  it('exits at once when the image is for the other architecture', async () => {
    const bed = await workingBed();
    bed.ecs.imageArchitectures.set(IMAGE, 'ARM64');
    expect((await runLong(bed)).at('tasks', 0)).toMatchObject({
      ...{ stopCode: 'EssentialContainerExited', stoppedReason: 'Essential container in task exited' },
      containers: [{ exitCode: 1 }],
    });
    expect(bed.logs.events(GROUP)[0]?.message).toContain('exec format error');
  });

  it('ends by itself at its deadline', async () => {
    const bed = await workingBed();
    const arn = runArn(bed, {}, { BASTION_DEADLINE: rfc3339(bed.clock.now() + 3_600_000) });
    await bed.clock.advance(3_599_000);
    expect(look(bed, arn).text('tasks', 0, 'lastStatus')).toBe('RUNNING');
    await bed.clock.advance(12_000);
    expect(look(bed, arn).at('tasks', 0)).toMatchObject({
      ...{ lastStatus: 'STOPPED', stopCode: 'EssentialContainerExited', containers: [{ exitCode: 0 }] },
    });
  });
});

describe('the Exec agent', () => {
  const agentOf = (answer: Answer) => answer.at('tasks', 0, 'containers', 0, 'managedAgents', 0);

  it('is stopped without ssmmessages, and recovers when the path heals', async () => {
    const bed = await workingBed();
    bed.blocked.add('ssmmessages');
    const answer = await runLong(bed);
    expect(agentOf(answer)).toMatchObject({
      ...{ lastStatus: 'STOPPED', reason: expect.stringContaining('no way to ssmmessages') },
    });
    bed.blocked.clear();
    await bed.clock.advance(15_000);
    expect(agentOf(look(bed, answer.text('tasks', 0, 'taskArn')))).toMatchObject({ lastStatus: 'RUNNING' });
  });

  it.each(CHANNELS)('needs %s', async (action) => {
    const bed = await workingBed();
    const PolicyDocument = policy(...CHANNELS.filter((other) => other !== action));
    bed.ask.iam('PutRolePolicy', { RoleName: 'task', PolicyName: 'inline', PolicyDocument });
    expect(agentOf(await runLong(bed))).toMatchObject({
      ...{ lastStatus: 'STOPPED', reason: expect.stringContaining(action) },
    });
  });

  it('cannot run on a read-only root without its mounts', async () => {
    const bed = await workingBed({ readonlyRootFilesystem: true });
    expect(agentOf(await runLong(bed))).toMatchObject({ lastStatus: 'STOPPED' });
  });
});

describe('a hybrid bastion', () => {
  const NAME = '/bastion/activation';
  const OWN = {
    ...{ BASTION_TRANSPORT: 'HybridActivation', BASTION_SSM_ROLE: 'node', BASTION_ACTIVATION_NAME: 'b' },
    BASTION_ACTIVATION_TAGS: '{"k":"v"}',
  };
  const OWN_ACTIONS = [
    ...['ssm:CreateActivation', 'ssm:DeleteActivation', 'ssm:AddTagsToResource', 'iam:PassRole'],
  ];

  async function hybridBed(container: object = {}): Promise<Bed> {
    const bed = await workingBed(container);
    addRole(bed, 'node', 'ssm.amazonaws.com');
    bed.ask.iam('AttachRolePolicy', { RoleName: 'node', PolicyArn: NODE_POLICY });
    const PolicyDocument = policy(...OWN_ACTIONS);
    bed.ask.iam('PutRolePolicy', { RoleName: 'task', PolicyName: 'own', PolicyDocument });
    await bed.clock.advance(60_000);
    return bed;
  }

  async function secretBed(): Promise<Bed> {
    const bed = await hybridBed({ secrets: [{ name: 'BASTION_ACTIVATION', valueFrom: NAME }] });
    const made = bed.ask.ssm('CreateActivation', { IamRole: 'node', DefaultInstanceName: 'b' });
    const Value = JSON.stringify({ id: made.at('ActivationId'), code: made.at('ActivationCode') });
    bed.ask.ssm('PutParameter', { Name: NAME, Type: 'SecureString', Value });
    const PolicyDocument = policy('ssm:GetParameters');
    bed.ask.iam('PutRolePolicy', { RoleName: 'execution', PolicyName: 'read', PolicyDocument });
    return bed;
  }

  const node = (bed: Bed) => bed.ask.ssm('DescribeInstanceInformation').at('InstanceInformationList', 0);

  it('registers with the activation from its secret, and is lost when its task stops', async () => {
    const bed = await secretBed();
    const answer = await runLong(bed, { BASTION_TRANSPORT: 'HybridActivation' });
    expect(node(bed)).toMatchObject({ PingStatus: 'Online', Name: 'b', IPAddress: '10.0.1.7' });
    bed.ask.ecs('StopTask', { cluster: 'main', task: answer.text('tasks', 0, 'taskArn') });
    await bed.clock.advance(8_000);
    expect(node(bed)).toMatchObject({ PingStatus: 'ConnectionLost' });
  });

  it('fails to start when its secret is out of reach, forbidden or missing', async () => {
    const bed = await secretBed();
    const reason = async () => (await runLong(bed)).text('tasks', 0, 'stoppedReason');
    const start = /^ResourceInitializationError: unable to pull secrets or registry auth/;
    bed.blocked.add('ssm');
    expect(await reason()).toMatch(/context deadline exceeded/);
    bed.blocked.clear();
    bed.ask.iam('DeleteRolePolicy', { RoleName: 'execution', PolicyName: 'read' });
    expect(await reason()).toMatch(/AccessDeniedException.*ssm:GetParameters/);
    const PolicyDocument = policy('ssm:GetParameters');
    bed.ask.iam('PutRolePolicy', { RoleName: 'execution', PolicyName: 'read', PolicyDocument });
    bed.ask.ssm('DeleteParameter', { Name: NAME });
    expect(await reason()).toMatch(/invalid parameters: \/bastion\/activation/);
    expect(await reason()).toMatch(start);
  });

  it('makes its own activation, and deletes it when it exits', async () => {
    const bed = await hybridBed();
    const answer = await runLong(bed, OWN);
    expect(node(bed)).toMatchObject({ PingStatus: 'Online', Name: 'b', IamRole: 'node' });
    const activations = () => bed.ask.ssm('DescribeActivations').at('ActivationList');
    expect(activations()).toMatchObject([{ Tags: [{ Key: 'k', Value: 'v' }], RegistrationsCount: 1 }]);
    bed.ask.ecs('StopTask', { cluster: 'main', task: answer.text('tasks', 0, 'taskArn') });
    await bed.clock.advance(8_000);
    expect(activations()).toEqual([]);
  });

  it.each(['ssm:CreateActivation', 'ssm:AddTagsToResource', 'iam:PassRole'])(
    'exits with a reason in its log when the task role does not allow %s',
    async (action) => {
      const bed = await hybridBed();
      const PolicyDocument = policy(...OWN_ACTIONS.filter((other) => other !== action));
      bed.ask.iam('PutRolePolicy', { RoleName: 'task', PolicyName: 'own', PolicyDocument });
      expect((await runLong(bed, OWN)).at('tasks', 0)).toMatchObject({
        ...{ stopCode: 'EssentialContainerExited', containers: [{ exitCode: 1 }] },
      });
      expect(bed.logs.events(GROUP).at(-1)?.message).toContain(action);
      expect(node(bed)).toBeUndefined();
    },
  );

  it('exits without ssm, is not online without ssmmessages or its role policy, and heals', async () => {
    const bed = await hybridBed();
    bed.blocked.add('ssm');
    expect((await runLong(bed, OWN)).at('tasks', 0, 'containers', 0, 'exitCode')).toBe(1);
    bed.blocked.delete('ssm');
    bed.blocked.add('ssmmessages');
    await runLong(bed, OWN);
    expect(node(bed)).toMatchObject({ PingStatus: 'ConnectionLost' });
    bed.blocked.clear();
    await bed.clock.advance(15_000);
    expect(node(bed)).toMatchObject({ PingStatus: 'Online' });
    bed.ask.iam('DetachRolePolicy', { RoleName: 'node', PolicyArn: NODE_POLICY });
    await bed.clock.advance(15_000);
    expect(node(bed)).toMatchObject({ PingStatus: 'ConnectionLost' });
  });
});

describe('RunTask', () => {
  it('gives the same task for the same client token, and a conflict for changed parameters', async () => {
    const bed = await workingBed();
    const arn = runArn(bed, { clientToken: 't', startedBy: 'a' });
    expect(runArn(bed, { startedBy: 'a', clientToken: 't' })).toBe(arn);
    expect(faultOf(() => run(bed, { clientToken: 't', startedBy: 'b' }))).toMatch(/^ConflictException/);
    bed.ask.ecs('StopTask', { cluster: 'main', task: arn });
    await bed.clock.advance(60_000);
    expect(run(bed, { clientToken: 't', startedBy: 'a' }).at('tasks')).toEqual([
      { taskArn: arn, lastStatus: 'STOPPED', desiredStatus: 'STOPPED' },
    ]);
    await bed.clock.advance(3_600_000);
    expect(runArn(bed, { clientToken: 't', startedBy: 'a' })).not.toBe(arn);
  });

  it('cannot assume a role that IAM has not propagated yet', async () => {
    const bed = await workingBed();
    const taskRoleArn = addRole(bed, 'fresh', TASKS);
    const overrides = { taskRoleArn };
    expect(faultOf(() => run(bed, { overrides }))).toMatch(
      /^ClientException: ECS was unable to assume the role '.*fresh' that was provided for this task\./,
    );
    await bed.clock.advance(bed.world.latencies.iamPropagationMs);
    expect(faultOf(() => run(bed, { overrides }))).toBe('none');
  });

  it('answers with failures, not an error, when there is no capacity', async () => {
    const bed = await workingBed();
    bed.ecs.refuseCapacity(1);
    const refused = run(bed);
    expect(refused.at('tasks')).toEqual([]);
    expect(refused.text('failures', 0, 'reason')).toMatch(/^Capacity is unavailable at this time/);
    expect(run(bed).at('failures')).toEqual([]);
  });

  it.each([
    ['an unknown cluster', { cluster: 'none' }, /^ClusterNotFoundException/],
    ['an unknown definition', { taskDefinition: 'none' }, /^ClientException: TaskDefinition not found/],
    ['no network', { networkConfiguration: undefined }, /^InvalidParameterException: Network Config/],
    ['tags from a service', { propagateTags: 'SERVICE' }, /^InvalidParameterException/],
    ['more than ten', { count: 11 }, /^InvalidParameterException/],
    ['a bad startedBy', { startedBy: 'a b' }, /^InvalidParameterException/],
    ['long overrides', { overrides: { cpu: 'x'.repeat(8192) } }, /^InvalidParameterException: Overrides/],
  ])('refuses %s', async (_, change, expected) => {
    const bed = await workingBed();
    expect(faultOf(() => run(bed, change))).toMatch(expected);
  });

  it('passes on why a subnet or group is unusable', async () => {
    const bed = await workingBed();
    const vpc = (subnet: string, group: string) => ({
      networkConfiguration: { awsvpcConfiguration: { subnets: [subnet], securityGroups: [group] } },
    });
    expect(faultOf(() => run(bed, vpc('subnet-none', 'sg-1')))).toMatch(/InvalidSubnetID\.NotFound/);
    expect(faultOf(() => run(bed, vpc('subnet-1', 'sg-none')))).toMatch(/InvalidGroup\.NotFound/);
    expect(bed.ecs.tasks()).toEqual([]);
  });

  it('refuses Exec without a task role', async () => {
    const bed = await workingBed();
    bed.ask.ecs('RegisterTaskDefinition', definition({}, { family: 'roleless', taskRoleArn: undefined }));
    expect(faultOf(() => run(bed, { taskDefinition: 'roleless' }))).toMatch(/valid taskRoleArn/);
  });
});

describe('listing tasks', () => {
  it('tells running from stopped by the desired status, and takes startedBy alone', async () => {
    const bed = await workingBed();
    const first = runArn(bed, { startedBy: 'a' });
    const second = runArn(bed, { startedBy: 'b' });
    bed.ask.ecs('StopTask', { cluster: 'main', task: first });
    const list = (filter: object) => bed.ask.ecs('ListTasks', { cluster: 'main', ...filter }).at('taskArns');
    expect(list({})).toEqual([second]);
    expect(list({ desiredStatus: 'STOPPED', family: 'bastion' })).toEqual([first]);
    expect(list({ startedBy: 'a' })).toEqual([]);
    expect(faultOf(() => list({ startedBy: 'b', family: 'bastion' }))).toMatch(/only filter/);
    expect(faultOf(() => list({ cluster: 'none' }))).toMatch(/^ClusterNotFoundException/);
  });

  it('pages by the hundred', async () => {
    const bed = await workingBed();
    for (let index = 0; index < 11; index++) run(bed, { count: 10 });
    const first = bed.ask.ecs('ListTasks', { cluster: 'main' });
    expect([first.at('taskArns', 99) !== undefined, first.at('taskArns', 100)]).toEqual([true, undefined]);
    const rest = bed.ask.ecs('ListTasks', { cluster: 'main', nextToken: first.at('nextToken') });
    expect([rest.at('taskArns', 9) !== undefined, rest.at('nextToken')]).toEqual([true, undefined]);
  });
});

describe('clusters and task definitions', () => {
  it('keeps a cluster while it has tasks, and shows it inactive afterwards', async () => {
    const bed = await workingBed();
    const arn = runArn(bed);
    const remove = () => bed.ask.ecs('DeleteCluster', { cluster: 'main' });
    expect(faultOf(remove)).toMatch(/^ClusterContainsTasksException/);
    bed.ask.ecs('StopTask', { cluster: 'main', task: arn });
    await bed.clock.advance(60_000);
    remove();
    const described = bed.ask.ecs('DescribeClusters', { clusters: ['main', 'none'] });
    expect(described.at('clusters', 0, 'status')).toBe('INACTIVE');
    expect(described.at('failures', 0, 'reason')).toBe('MISSING');
    expect(faultOf(() => run(bed))).toMatch(/^ClusterNotFoundException/);
  });

  it('never gives a revision number twice', async () => {
    const bed = await workingBed();
    const revision = () =>
      bed.ask.ecs('RegisterTaskDefinition', definition()).at('taskDefinition', 'revision');
    expect(revision()).toBe(2);
    const remove = { taskDefinitions: ['bastion:2'] };
    expect(bed.ask.ecs('DeleteTaskDefinitions', remove).text('failures', 0, 'reason')).toMatch(/ACTIVE/);
    bed.ask.ecs('DeregisterTaskDefinition', { taskDefinition: 'bastion:2' });
    expect(faultOf(() => run(bed, { taskDefinition: 'bastion:2' }))).toMatch(/is inactive/);
    bed.ask.ecs('DeleteTaskDefinitions', remove);
    await bed.clock.advance(60_000);
    const describeIt = () => bed.ask.ecs('DescribeTaskDefinition', { taskDefinition: 'bastion:2' });
    expect(faultOf(describeIt)).toBe('ClientException: Unable to describe task definition.');
    expect(revision()).toBe(3);
    const described = bed.ask.ecs('DescribeTaskDefinition', { taskDefinition: 'bastion', include: ['TAGS'] });
    expect(described.at('taskDefinition', 'revision')).toBe(3);
    expect(described.at('tags')).toEqual([{ key: 'from', value: 'definition' }]);
  });

  it.each([
    ['a size Fargate does not have', { cpu: '256', memory: '4096' }, /No Fargate configuration/],
    ['another network mode', { networkMode: 'bridge' }, /network mode 'awsvpc'/],
    ['no execution role', { executionRoleArn: undefined }, /execution role ARN to support ECR images/],
    ['no containers', { containerDefinitions: [] }, /Container list cannot be empty/],
  ])('refuses a definition with %s', (_, change, expected) => {
    const bed = makeBed();
    expect(faultOf(() => bed.ask.ecs('RegisterTaskDefinition', definition({}, change)))).toMatch(expected);
  });

  it('tags clusters, definitions and tasks, but no stopped task', async () => {
    const bed = await workingBed();
    const resourceArn = runArn(bed);
    bed.ask.ecs('TagResource', { resourceArn, tags: [{ key: 'a', value: 'b' }] });
    expect(bed.ask.ecs('ListTagsForResource', { resourceArn }).at('tags')).toEqual([
      { key: 'a', value: 'b' },
    ]);
    bed.ask.ecs('UntagResource', { resourceArn, tagKeys: ['a'] });
    expect(bed.ask.ecs('ListTagsForResource', { resourceArn }).at('tags')).toEqual([]);
    bed.ask.ecs('StopTask', { cluster: 'main', task: resourceArn });
    await bed.clock.advance(60_000);
    expect(faultOf(() => bed.ask.ecs('ListTagsForResource', { resourceArn }))).toMatch(/task is stopped/);
  });
});
