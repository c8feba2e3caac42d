import { paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeSecurityGroupsCommand, DescribeVpcEndpointsCommand } from '@aws-sdk/client-ec2';
import { DescribeClustersCommand, ListTaskDefinitionsCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import { ListRolesCommand } from '@aws-sdk/client-iam';
import { DescribeParametersCommand } from '@aws-sdk/client-ssm';
import { collect } from '../../controller/aws/reads.ts';
import { readTags } from '../../controller/aws/tags.ts';
import { nameFor } from '../../controller/core/key.ts';
import type { Stage } from './stage.ts';

/** Everything of the installation that lives, asked of moto itself and not of the operator: `kind id`. */
export async function leftovers(stage: Stage): Promise<string[]> {
  const parts = await Promise.all([network(stage), containers(stage), identities(stage)]);
  const { activations, nodes, sessions } = stage.simulator.ssm.state;
  const open = [...sessions.values()].filter(({ endedAt }) => endedAt === undefined);
  return [
    ...parts.flat(),
    ...[...activations.keys()].map((id) => `activation ${id}`),
    ...[...nodes.keys()].map((id) => `managed node ${id}`),
    ...open.map(({ id }) => `session ${id}`),
  ];
}

async function network({ moto, installation }: Stage): Promise<string[]> {
  const { SecurityGroups = [] } = await moto.ec2.send(new DescribeSecurityGroupsCommand({}));
  const { VpcEndpoints = [] } = await moto.ec2.send(new DescribeVpcEndpointsCommand({}));
  const groups = SecurityGroups.filter(({ Tags }) => readTags(installation, Tags).owned);
  const endpoints = VpcEndpoints.filter(
    ({ Tags, State }) => readTags(installation, Tags).owned && !/^delet/i.test(State ?? ''),
  );
  return [
    ...groups.map(({ GroupId }) => `security group ${GroupId}`),
    ...endpoints.map(({ VpcEndpointId }) => `endpoint ${VpcEndpointId}`),
  ];
}

async function containers({ moto, installation }: Stage): Promise<string[]> {
  const cluster = nameFor.cluster(installation);
  const { clusters = [] } = await moto.ecs.send(new DescribeClustersCommand({ clusters: [cluster] }));
  const live = clusters.filter(({ status }) => status !== 'INACTIVE');
  const { taskArns = [] } =
    clusters.length > 0
      ? await moto.ecs.send(new ListTasksCommand({ cluster, desiredStatus: 'RUNNING' }))
      : { taskArns: [] };
  const { taskDefinitionArns = [] } = await moto.ecs.send(
    new ListTaskDefinitionsCommand({ status: 'ACTIVE' }),
  );
  const definitions = taskDefinitionArns.filter((arn) => arn.includes(`/bastion-${installation}-`));
  return [
    ...live.map(({ clusterArn }) => `cluster ${clusterArn}`),
    ...taskArns.map((arn) => `task ${arn}`),
    ...definitions.map((arn) => `task definition ${arn}`),
  ];
}

async function identities({ moto, installation }: Stage): Promise<string[]> {
  const path = nameFor.parameterPath(installation);
  const { Roles = [] } = await moto.iam.send(new ListRolesCommand({ PathPrefix: path }));
  const ParameterFilters = [{ Key: 'Name', Option: 'BeginsWith', Values: [path] }];
  const { Parameters = [] } = await moto.ssm.send(new DescribeParametersCommand({ ParameterFilters }));
  const logGroupNamePrefix = nameFor.logGroup(installation);
  const groups = await collect(
    paginateDescribeLogGroups({ client: moto.logs }, { logGroupNamePrefix }),
    (page) => page.logGroups,
  );
  return [
    ...Roles.map(({ RoleName }) => `role ${RoleName}`),
    ...Parameters.map(({ Name }) => `parameter ${Name}`),
    ...groups.map(({ logGroupName }) => `log group ${logGroupName}`),
  ];
}
