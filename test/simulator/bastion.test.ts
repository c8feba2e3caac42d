import { CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateVpcEndpointCommand,
  DeleteSecurityGroupCommand,
  DeleteVpcEndpointsCommand,
  DescribeManagedPrefixListsCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateClusterCommand,
  DescribeTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from '@aws-sdk/client-ecs';
import { AttachRolePolicyCommand, CreateRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateActivationCommand,
  DescribeActivationsCommand,
  DescribeInstanceInformationCommand,
  DescribeSessionsCommand,
  StartSessionCommand,
} from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { ACCOUNT, EXECUTION_POLICY, IMAGE, policy, REGION, trust } from './bed.ts';
import { errorName, startSimulator } from './clients.ts';

const VpcId = ORDINARY.isolatedVpc;
const SubnetIds = [...ORDINARY.isolatedSubnets];
const INTERFACES = ['ecr.api', 'ecr.dkr', 'logs', 'ssmmessages'] as const;
const https = (peer: object) => ({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, ...peer });
const ANYWHERE = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };

type World = Awaited<ReturnType<typeof buildWorld>>;

/** Everything one EcsExec bastion needs in a VPC without a way out, made with SDK calls alone. */
async function buildWorld() {
  const started = startSimulator();
  const { simulator, ec2, ecs, iam, logs, clock } = started;
  simulator.throttling = false;
  const group = async (GroupName: string) => {
    const made = await ec2.send(new CreateSecurityGroupCommand({ GroupName, Description: 'x', VpcId }));
    return made.GroupId ?? '';
  };
  const endpointGroup = await group('endpoints');
  const taskGroup = await group('task');
  const Filters = [{ Name: 'prefix-list-name', Values: [`com.amazonaws.${REGION}.s3`] }];
  const lists = await ec2.send(new DescribeManagedPrefixListsCommand({ Filters }));
  const PrefixListId = lists.PrefixLists?.[0]?.PrefixListId;
  const rules = {
    ingress: { GroupId: endpointGroup, IpPermissions: [https({ IpRanges: [{ CidrIp: '10.0.0.0/16' }] })] },
    toEndpoints: {
      GroupId: taskGroup,
      IpPermissions: [https({ UserIdGroupPairs: [{ GroupId: endpointGroup }] })],
    },
    toS3: { GroupId: taskGroup, IpPermissions: [https({ PrefixListIds: [{ PrefixListId }] })] },
  };
  await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: taskGroup, IpPermissions: [ANYWHERE] }));
  await ec2.send(new AuthorizeSecurityGroupIngressCommand(rules.ingress));
  await ec2.send(new AuthorizeSecurityGroupEgressCommand(rules.toEndpoints));
  await ec2.send(new AuthorizeSecurityGroupEgressCommand(rules.toS3));
  const endpoints = new Map<string, string>();
  for (const name of INTERFACES) {
    const made = await ec2.send(
      new CreateVpcEndpointCommand({
        ...{ VpcId, SubnetIds, VpcEndpointType: 'Interface', PrivateDnsEnabled: true },
        ...{ SecurityGroupIds: [endpointGroup], ServiceName: `com.amazonaws.${REGION}.${name}` },
      }),
    );
    endpoints.set(name, made.VpcEndpoint?.VpcEndpointId ?? '');
  }
  const gateway = await ec2.send(
    new CreateVpcEndpointCommand({
      ...{ VpcId, VpcEndpointType: 'Gateway', ServiceName: `com.amazonaws.${REGION}.s3` },
      RouteTableIds: [...ORDINARY.isolatedRouteTables],
    }),
  );
  endpoints.set('s3', gateway.VpcEndpoint?.VpcEndpointId ?? '');
  for (const RoleName of ['task', 'execution']) {
    const AssumeRolePolicyDocument = trust('ecs-tasks.amazonaws.com');
    await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  }
  await iam.send(new AttachRolePolicyCommand({ RoleName: 'execution', PolicyArn: EXECUTION_POLICY }));
  const PolicyDocument = policy('ssmmessages:*');
  await iam.send(new PutRolePolicyCommand({ RoleName: 'task', PolicyName: 'exec', PolicyDocument }));
  await logs.send(new CreateLogGroupCommand({ logGroupName: '/bastion' }));
  await ecs.send(new CreateClusterCommand({ clusterName: 'main' }));
  await ecs.send(
    new RegisterTaskDefinitionCommand({
      ...{ family: 'bastion', requiresCompatibilities: ['FARGATE'], networkMode: 'awsvpc' },
      ...{ cpu: '256', memory: '512', executionRoleArn: `arn:aws:iam::${ACCOUNT}:role/execution` },
      taskRoleArn: `arn:aws:iam::${ACCOUNT}:role/task`,
      containerDefinitions: [
        {
          ...{ name: 'bastion', image: IMAGE },
          logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': '/bastion' } },
        },
      ],
    }),
  );
  await clock.advance(120_000);
  return { ...started, taskGroup, endpointGroup, rules, endpoints };
}

async function runTask({ ecs, taskGroup }: World, more: object = {}): Promise<string> {
  const { tasks } = await ecs.send(
    new RunTaskCommand({
      ...more,
      ...{ cluster: 'main', taskDefinition: 'bastion', launchType: 'FARGATE', enableExecuteCommand: true },
      networkConfiguration: {
        awsvpcConfiguration: { subnets: SubnetIds, securityGroups: [taskGroup], assignPublicIp: 'DISABLED' },
      },
    }),
  );
  return tasks?.[0]?.taskArn ?? '';
}

async function runLong(world: World): Promise<Task | undefined> {
  const arn = await runTask(world);
  await world.clock.advance(120_000);
  return look(world, arn);
}

async function look({ ecs }: World, arn: string): Promise<Task | undefined> {
  const { tasks } = await ecs.send(new DescribeTasksCommand({ cluster: 'main', tasks: [arn] }));
  return tasks?.[0];
}

const agentOf = (task: Task | undefined) => task?.containers?.[0]?.managedAgents?.[0];

describe('a bastion through the SDK', () => {
  it('runs in a private network, takes a session, and frees its security group when stopped', async () => {
    const world = await buildWorld();
    const { ecs, ssm, ec2, clock } = world;
    const task = await runLong(world);
    expect([task?.lastStatus, agentOf(task)?.lastStatus]).toEqual(['RUNNING', 'RUNNING']);
    expect(task?.startedAt).toBeInstanceOf(Date);
    const Target = `ecs:main_${task?.taskArn?.split('/').at(-1)}_${task?.containers?.[0]?.runtimeId}`;
    const session = await ssm.send(new StartSessionCommand({ Target }));
    const active = async () => (await ssm.send(new DescribeSessionsCommand({ State: 'Active' }))).Sessions;
    expect(await active()).toMatchObject([{ SessionId: session.SessionId, Target }]);
    const removeGroup = () => ec2.send(new DeleteSecurityGroupCommand({ GroupId: world.taskGroup }));
    expect(await errorName(removeGroup())).toBe('DependencyViolation');
    await ecs.send(new StopTaskCommand({ cluster: 'main', task: task?.taskArn }));
    await clock.advance(30_000);
    expect((await look(world, task?.taskArn ?? ''))?.lastStatus).toBe('STOPPED');
    expect(await active()).toEqual([]);
    expect(await errorName(removeGroup())).toBe('none');
    expect(await errorName(ssm.send(new StartSessionCommand({ Target })))).toBe('TargetNotConnected');
  });

  it.each([
    ['ecr.api', /cannot pull registry authentication from Amazon ECR/],
    ['ecr.dkr', /CannotPullContainerError.*i\/o timeout/],
    ['s3', /panic: runtime error: invalid memory address or nil pointer dereference/],
    ['logs', /failed to initialize logging driver/],
  ])('does not start without the endpoint %s', async (name, symptom) => {
    const world = await buildWorld();
    const VpcEndpointIds = [world.endpoints.get(name) ?? ''];
    await world.ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds }));
    await world.clock.advance(60_000);
    const task = await runLong(world);
    expect(task?.stopCode).toBe('TaskFailedToStart');
    expect(task?.stoppedReason).toMatch(symptom);
  });

  it('has no Exec agent without the endpoint ssmmessages', async () => {
    const world = await buildWorld();
    const VpcEndpointIds = [world.endpoints.get('ssmmessages') ?? ''];
    await world.ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds }));
    await world.clock.advance(60_000);
    const task = await runLong(world);
    expect([task?.lastStatus, agentOf(task)?.lastStatus]).toEqual(['RUNNING', 'STOPPED']);
  });

  it.each([
    ['ingress', /cannot pull registry authentication/],
    ['toEndpoints', /cannot pull registry authentication/],
    ['toS3', /panic: runtime error/],
  ] as const)('does not start without the rule %s', async (name, symptom) => {
    const world = await buildWorld();
    const rule = world.rules[name];
    await (name === 'ingress'
      ? world.ec2.send(new RevokeSecurityGroupIngressCommand(rule))
      : world.ec2.send(new RevokeSecurityGroupEgressCommand(rule)));
    expect((await runLong(world))?.stoppedReason).toMatch(symptom);
  });

  it('names the existing task when a client token comes with other parameters', async () => {
    const world = await buildWorld();
    const arn = await runTask(world, { clientToken: 't', startedBy: 'a' });
    await expect(runTask(world, { clientToken: 't', startedBy: 'b' })).rejects.toMatchObject({
      ...{ name: 'ConflictException', resourceIds: [arn] },
    });
  });
});

describe('Systems Manager through the SDK', () => {
  it('carries instants, tags and nodes', async () => {
    const { iam, ssm, clock, simulator } = startSimulator();
    const AssumeRolePolicyDocument = trust('ssm.amazonaws.com');
    await iam.send(new CreateRoleCommand({ RoleName: 'node', Path: '/b/', AssumeRolePolicyDocument }));
    await clock.advance(60_000);
    const ExpirationDate = new Date(clock.now() + 3_600_000);
    const Tags = [{ Key: 'k', Value: 'v' }];
    const made = await ssm.send(new CreateActivationCommand({ IamRole: 'b/node', ExpirationDate, Tags }));
    const { ActivationList } = await ssm.send(new DescribeActivationsCommand({}));
    expect(ActivationList).toMatchObject([{ ExpirationDate, Tags, Expired: false, IamRole: 'b/node' }]);
    const activation = { id: made.ActivationId ?? '', code: made.ActivationCode ?? '' };
    const InstanceId = simulator.ssm.register({ ...activation, name: 'host', ip: '10.0.1.9' });
    const Filters = [{ Key: 'tag:k', Values: ['v'] }];
    const found = await ssm.send(new DescribeInstanceInformationCommand({ Filters }));
    expect(found.InstanceInformationList).toMatchObject([
      { InstanceId, PingStatus: 'Online', LastPingDateTime: new Date(clock.now()) },
    ]);
  });
});
