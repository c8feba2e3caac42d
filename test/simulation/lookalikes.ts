import { TAG } from '../../controller/aws/tags.ts';
import { readTrust } from '../../controller/simulator/iam/roles.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import { REGION } from '../reconcile/harness.ts';

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'ecs-tasks.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ],
});

/** Somebody else's resources, with names like ours, with another installation's tags, and with ours copied where they don't count. */
export function addLookalikes(simulator: Simulator): void {
  addGroups(simulator);
  addRoles(simulator);
  addContainers(simulator);
  addNodes(simulator);
  addSchedules(simulator);
}

/** Groups of ours for Bastions that nobody knows any more. */
export function addLeftovers({ ec2 }: Simulator, count: number): void {
  for (let index = 1; index <= count; index++) {
    const id = `sg-0e0e0e0e0e0e0${String(index).padStart(4, '0')}`;
    const owner = `default/ghost-${index}`;
    ec2.addSecurityGroup({ id, vpcId: ORDINARY.natVpc, name: `bastion-test-ghost-${index}` });
    const tags = { ...ourTags(`security-group/${ORDINARY.natVpc}/task/${owner}`), [TAG.bastion]: owner };
    ec2.state.tags.set(id, new Map(Object.entries(tags)));
  }
}

const theirTags = (key: string) => ({
  [TAG.installation]: 'other',
  [TAG.key]: key,
  [TAG.bastion]: 'default/orders',
});
const ourTags = (key: string) => ({ ...theirTags(key), [TAG.installation]: 'test' });
const upper = (tags: Record<string, string>) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
const lower = (tags: Record<string, string>) => Object.entries(tags).map(([key, value]) => ({ key, value }));

function addGroups({ ec2 }: Simulator): void {
  for (const vpcId of [ORDINARY.isolatedVpc, ORDINARY.natVpc]) {
    const end = vpcId.at(-1) ?? '';
    const id = `sg-0f0f0f0f0f0f000${end}1`;
    ec2.addSecurityGroup({ id, vpcId, name: 'bastion-test-endpoints' });
    const other = `sg-0f0f0f0f0f0f000${end}2`;
    ec2.addSecurityGroup({ id: other, vpcId, name: 'bastion-other-default-orders' });
    const tags = theirTags(`security-group/${vpcId}/task/default/orders`);
    ec2.state.tags.set(other, new Map(Object.entries(tags)));
    // Copied by somebody who made a group of theirs from ours, without the tag that says what it is.
    const copy = `sg-0f0f0f0f0f0f000${end}3`;
    ec2.addSecurityGroup({ id: copy, vpcId, name: 'copied' });
    ec2.state.tags.set(
      copy,
      new Map([
        [TAG.installation, 'test'],
        ['Name', 'bastion-test-default-orders'],
      ]),
    );
  }
}

function addRoles({ iam }: Simulator): void {
  const create = iam.operations['CreateRole'];
  const role = (RoleName: string, Path: string, tags: Record<string, string>) =>
    create?.({ RoleName, Path, AssumeRolePolicyDocument: TRUST, Tags: upper(tags) });
  role('bastion-test-execution', '/', {});
  role(
    `bastion-other-${REGION}-execution`,
    `/bastion-operator/other/${REGION}/`,
    theirTags('iam-role/execution'),
  );
  role('team-bastion-execution', '/team/', ourTags('iam-role/execution'));
}

function addContainers({ ecs, logs }: Simulator): void {
  const ask = (name: string, input: Record<string, unknown>) => ecs.operations[name]?.(input);
  ask('CreateCluster', { clusterName: 'bastion-test-2' });
  ask('CreateCluster', { clusterName: 'bastion-other', tags: lower(theirTags('ecs-cluster/main')) });
  const containerDefinitions = [{ name: 'web', image: 'public.ecr.aws/nginx/nginx:latest', essential: true }];
  ask('RegisterTaskDefinition', {
    ...{ family: 'bastion-test-web', containerDefinitions, networkMode: 'awsvpc', cpu: '256', memory: '512' },
    requiresCompatibilities: ['FARGATE'],
  });
  ask('RunTask', {
    ...{ cluster: 'bastion-other', taskDefinition: 'bastion-test-web', launchType: 'FARGATE' },
    ...{ tags: lower(ourTags('task/default/orders')), startedBy: 'somebody' },
    networkConfiguration: {
      awsvpcConfiguration: { subnets: [ORDINARY.natSubnets[0]], securityGroups: [ORDINARY.natDatabaseGroup] },
    },
  });
  logs.operations['CreateLogGroup']?.({ logGroupName: '/bastion-operator/test2' });
}

/** Schedules like ours in other groups, and a group whose name begins as ours does. */
function addSchedules({ scheduler, iam, world }: Simulator): void {
  const ask = (name: string, input: Record<string, unknown>) => scheduler.operations[name]?.(input);
  const role = 'team-scheduler';
  const Statement = [
    { Effect: 'Allow', Principal: { Service: 'scheduler.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ];
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  const theirs = iam.roles.add({
    ...{ name: role, path: '/', description: undefined, maxSessionSeconds: 3600, boundaryArn: undefined },
    ...{
      trust: readTrust(AssumeRolePolicyDocument),
      inline: new Map(),
      attached: new Set(),
      tags: new Map(),
    },
  });
  // IAM knows it since long ago.
  theirs.trustChangedAt = world.now() - 3_600_000;
  ask('CreateScheduleGroup', { Name: 'bastion-test-2', Tags: upper(ourTags('schedule-group/other')) });
  ask('CreateScheduleGroup', { Name: 'bastion-other', Tags: upper(theirTags('schedule-group/main')) });
  const arn = `arn:aws:ecs:${world.region}:${world.accountId}:task/bastion-test/0f0f0f0f`;
  for (const GroupName of ['default', 'bastion-other'])
    ask('CreateSchedule', {
      ...{ Name: 'default-orders', GroupName, Description: 'Ends Bastion default/orders' },
      ...{ ScheduleExpression: 'rate(1 day)', FlexibleTimeWindow: { Mode: 'OFF' } },
      Target: {
        ...{ Arn: 'arn:aws:scheduler:::aws-sdk:ecs:stopTask', RoleArn: theirs.arn },
        Input: JSON.stringify({ Cluster: 'bastion-test', Task: arn }),
      },
    });
}

function addNodes({ ssm, world }: Simulator): void {
  ssm.operations['PutParameter']?.({
    ...{ Name: '/bastion-operator/test-2/default/orders/activation', Type: 'String', Value: 'theirs' },
    Tags: upper(theirTags('activation/default/orders')),
  });
  const { [TAG.key]: _, ...copied } = ourTags('');
  const tags = {
    'mi-0f0f0f0f0f0f0f0f1': theirTags('managed-instance/default/orders'),
    'mi-0f0f0f0f0f0f0f0f2': copied,
  };
  for (const [id, theirs] of Object.entries(tags)) {
    ssm.state.nodes.set(id, {
      ...{ id, activationId: 'theirs', role: 'theirs', name: 'default/orders' },
      ...{ computerName: 'bastion', ip: '10.9.0.9', registeredAt: world.now(), lastPingAt: world.now() },
      tags: new Map(Object.entries(theirs)),
      connected: () => true,
    });
    ssm.state.sessions.set(`on-${id}`, {
      ...{ id: `on-${id}`, target: id, document: 'AWS-StartPortForwardingSession' },
      ...{ reason: undefined, owner: 'somebody', startedAt: world.now(), endedAt: undefined },
      ...{ tokens: new Set<string>(), channels: new Set<() => void>() },
    });
  }
}
