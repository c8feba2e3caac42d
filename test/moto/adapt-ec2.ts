import {
  DescribeSecurityGroupsCommand,
  DescribeVpcEndpointsCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { encodeFault, type WireResponse } from '../../controller/simulator/wire/encode.ts';
import { AwsFault } from '../../controller/simulator/world.ts';
import type { Adapter } from './router.ts';

function refuse(code: string, message: string): WireResponse {
  return encodeFault({ protocol: 'ec2' }, new AwsFault(code, message), 'refused-by-the-adapter');
}

async function liveEndpoints(ec2: EC2Client) {
  const { VpcEndpoints = [] } = await ec2.send(new DescribeVpcEndpointsCommand({}));
  return VpcEndpoints.filter(({ State }) => !/^delet/i.test(State ?? ''));
}

/** A group that anything wears or names stays. `isWorn` knows of tasks, whose interfaces moto never detaches. */
export function keepUsedGroups(ec2: EC2Client, isWorn: (groupId: string) => boolean): Adapter {
  return async (call, ask) => {
    const id = String(call.input['GroupId'] ?? '');
    const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({}));
    const named = SecurityGroups.filter(({ GroupId }) => GroupId !== id).some((group) =>
      [...(group.IpPermissions ?? []), ...(group.IpPermissionsEgress ?? [])].some((permission) =>
        permission.UserIdGroupPairs?.some(({ GroupId }) => GroupId === id),
      ),
    );
    const endpoints = await liveEndpoints(ec2);
    const worn = endpoints.some((endpoint) => endpoint.Groups?.some(({ GroupId }) => GroupId === id));
    if (!named && !worn && !isWorn(id)) return ask();
    return refuse('DependencyViolation', `resource ${id} has a dependent object`);
  };
}

/** One private DNS name leads to one endpoint. */
export function keepNamesUnique(ec2: EC2Client): Adapter {
  return async (call, ask) => {
    const { VpcId, ServiceName, PrivateDnsEnabled } = call.input;
    const endpoints = PrivateDnsEnabled === 'true' ? await liveEndpoints(ec2) : [];
    const other = endpoints.some(
      (one) => one.VpcId === VpcId && one.ServiceName === ServiceName && one.PrivateDnsEnabled,
    );
    if (!other) return ask();
    const conflict = `there is already a conflicting DNS domain for ${ServiceName} in the VPC ${VpcId}`;
    return refuse('InvalidParameter', `private-dns-enabled cannot be set because ${conflict}`);
  };
}
