import { CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateVpcEndpointCommand,
  DescribeNetworkInterfacesCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateClusterCommand,
  DescribeTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
} from '@aws-sdk/client-ecs';
import { AttachRolePolicyCommand, CreateRoleCommand } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { ACCOUNT, REGION, startSimulator } from './clients.ts';

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'ecs-tasks.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ],
});
const EXECUTION_POLICY = 'arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy';
const [SUBNET] = ORDINARY.isolatedSubnets;

async function start() {
  const started = startSimulator();
  const { ec2, ecs, iam, logs, clock } = started;
  await iam.send(new CreateRoleCommand({ RoleName: 'execution', AssumeRolePolicyDocument: TRUST }));
  await iam.send(new AttachRolePolicyCommand({ RoleName: 'execution', PolicyArn: EXECUTION_POLICY }));
  await logs.send(new CreateLogGroupCommand({ logGroupName: 'bastions' }));
  await ecs.send(new CreateClusterCommand({ clusterName: 'bastions' }));
  await clock.advance(10_000);
  const logOptions = { 'awslogs-group': 'bastions', 'awslogs-region': REGION, 'awslogs-stream-prefix': 'b' };
  await ecs.send(
    new RegisterTaskDefinitionCommand({
      ...{
        family: 'bastion',
        networkMode: 'awsvpc',
        cpu: '256',
        memory: '512',
        requiresCompatibilities: ['FARGATE'],
      },
      executionRoleArn: `arn:aws:iam::${ACCOUNT}:role/execution`,
      containerDefinitions: [
        {
          ...{ name: 'bastion', image: `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/bastion:1` },
          logConfiguration: { logDriver: 'awslogs', options: logOptions },
        },
      ],
    }),
  );
  const run = async (securityGroup: string) => {
    const network = { subnets: [SUBNET], securityGroups: [securityGroup] };
    const { tasks } = await ecs.send(
      new RunTaskCommand({
        ...{ cluster: 'bastions', taskDefinition: 'bastion', launchType: 'FARGATE' },
        networkConfiguration: { awsvpcConfiguration: network },
      }),
    );
    const arn = tasks?.[0]?.taskArn ?? '';
    await clock.advance(60_000);
    return arn;
  };
  const taskOf = async (arn: string) => {
    const command = new DescribeTasksCommand({ cluster: 'bastions', tasks: [arn] });
    return (await ecs.send(command)).tasks?.[0];
  };
  const addEndpoint = (service: string, placement: object) => {
    const names = { VpcId: ORDINARY.isolatedVpc, ServiceName: `com.amazonaws.${REGION}.${service}` };
    return ec2.send(new CreateVpcEndpointCommand({ ...names, ...placement }));
  };
  const addEndpoints = async () => {
    const IpRanges = [{ CidrIp: '10.0.0.0/16' }];
    const IpPermissions = [{ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, IpRanges }];
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: ORDINARY.usersGroup, IpPermissions }));
    const place = {
      VpcEndpointType: 'Interface',
      SubnetIds: [SUBNET],
      SecurityGroupIds: [ORDINARY.usersGroup],
    };
    for (const service of ['ecr.api', 'ecr.dkr', 'logs']) await addEndpoint(service, place);
    await clock.advance(60_000);
  };
  return { ...started, run, taskOf, addEndpoint, addEndpoints };
}

describe('a Fargate task in the simulated network', () => {
  it('fails to start without endpoints, then without the S3 route, and runs with both', async () => {
    const { run, taskOf, addEndpoint, addEndpoints, clock } = await start();
    const isolated = await taskOf(await run(ORDINARY.ordersGroup));
    expect(isolated).toMatchObject({ lastStatus: 'STOPPED', stopCode: 'TaskFailedToStart' });
    expect(isolated?.stoppedReason).toContain('ResourceInitializationError');
    await addEndpoints();
    const withoutS3 = await taskOf(await run(ORDINARY.ordersGroup));
    expect(withoutS3?.stoppedReason).toContain('CannotPullContainerError');
    await addEndpoint('s3', { VpcEndpointType: 'Gateway', RouteTableIds: [ORDINARY.isolatedRouteTables[0]] });
    await clock.advance(6000);
    expect((await taskOf(await run(ORDINARY.ordersGroup)))?.lastStatus).toBe('RUNNING');
  });

  it('holds its security group from the start until it has been deprovisioned', async () => {
    const { ec2, ecs, run, taskOf, addEndpoint, addEndpoints, clock } = await start();
    await addEndpoints();
    await addEndpoint('s3', { VpcEndpointType: 'Gateway', RouteTableIds: [ORDINARY.isolatedRouteTables[0]] });
    await clock.advance(6000);
    const held = async () => {
      const Filters = [{ Name: 'group-id', Values: [ORDINARY.ordersGroup] }];
      return (await ec2.send(new DescribeNetworkInterfacesCommand({ Filters }))).NetworkInterfaces?.length;
    };
    const arn = await run(ORDINARY.ordersGroup);
    expect(await held()).toBe(1);
    await ecs.send(new StopTaskCommand({ cluster: 'bastions', task: arn }));
    expect(await held()).toBe(1);
    await clock.advance(60_000);
    expect((await taskOf(arn))?.lastStatus).toBe('STOPPED');
    expect(await held()).toBe(0);
  });
});
