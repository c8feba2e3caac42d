import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  DeleteSecurityGroupCommand,
  DeleteTagsCommand,
  DescribeManagedPrefixListsCommand,
  DescribeNetworkInterfacesCommand,
  DescribePrefixListsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcsCommand,
  ModifyVpcAttributeCommand,
  paginateDescribeSecurityGroups,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { errorName, startSimulator } from './clients.ts';

const HTTPS = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443 };

function start(options: Parameters<typeof startSimulator>[0] = {}) {
  const started = startSimulator(options);
  const { ec2 } = started;
  const createGroup = async (name: string, vpc: string = ORDINARY.isolatedVpc) => {
    const command = new CreateSecurityGroupCommand({ GroupName: name, Description: name, VpcId: vpc });
    return (await ec2.send(command)).GroupId ?? '';
  };
  const groupOf = async (id: string) => {
    const { SecurityGroups } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }));
    return SecurityGroups?.[0];
  };
  const allow = (GroupId: string, source: string) =>
    ec2.send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId,
        IpPermissions: [{ ...HTTPS, UserIdGroupPairs: [{ GroupId: source }] }],
      }),
    );
  return { ...started, createGroup, groupOf, allow };
}

describe('the seeded network', () => {
  it('shows VPCs, subnets, main and own route tables, and a NAT route', async () => {
    const { ec2 } = start();
    const filter = { Filters: [{ Name: 'vpc-id', Values: [ORDINARY.natVpc] }] };
    expect((await ec2.send(new DescribeVpcsCommand({ VpcIds: [ORDINARY.natVpc] }))).Vpcs?.[0]).toMatchObject({
      CidrBlock: '10.1.0.0/16',
      CidrBlockAssociationSet: [{ CidrBlock: '10.1.0.0/16', CidrBlockState: { State: 'associated' } }],
    });
    const { Subnets } = await ec2.send(new DescribeSubnetsCommand(filter));
    expect(Subnets?.map((subnet) => subnet.AvailabilityZone)).toEqual(['ap-northeast-1a', 'ap-northeast-1c']);
    expect(Subnets?.[0]?.AvailableIpAddressCount).toBe(251);
    const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand(filter));
    const main = RouteTables?.filter((table) => table.Associations?.some((association) => association.Main));
    expect(main).toHaveLength(1);
    const own = RouteTables?.find((table) =>
      table.Associations?.some((association) => association.SubnetId === ORDINARY.natSubnets[0]),
    );
    expect(own?.Routes).toMatchObject([
      { DestinationCidrBlock: '10.1.0.0/16', GatewayId: 'local' },
      { DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: ORDINARY.natGateway },
    ]);
  });

  it('shows and changes DNS attributes one at a time', async () => {
    const { ec2 } = start();
    const VpcId = ORDINARY.isolatedVpc;
    const ask = new DescribeVpcAttributeCommand({ VpcId, Attribute: 'enableDnsHostnames' });
    expect((await ec2.send(ask)).EnableDnsHostnames?.Value).toBe(true);
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: { Value: false } }));
    expect((await ec2.send(ask)).EnableDnsHostnames?.Value).toBe(false);
  });

  it('finds the S3 prefix list by name, both ways', async () => {
    const { ec2 } = start();
    const byName = { Filters: [{ Name: 'prefix-list-name', Values: ['com.amazonaws.ap-northeast-1.s3'] }] };
    const managed = await ec2.send(new DescribeManagedPrefixListsCommand(byName));
    const plain = await ec2.send(new DescribePrefixListsCommand(byName));
    expect(managed.PrefixLists).toHaveLength(1);
    expect(plain.PrefixLists?.[0]?.PrefixListId).toBe(managed.PrefixLists?.[0]?.PrefixListId);
  });

  it('answers unknown ids and filters with AWS error codes', async () => {
    const { ec2 } = start();
    const name = (call: Promise<unknown>) => errorName(call);
    expect(await name(ec2.send(new DescribeVpcsCommand({ VpcIds: ['vpc-1'] })))).toBe(
      'InvalidVpcID.NotFound',
    );
    const subnets = new DescribeSubnetsCommand({ SubnetIds: ['subnet-1'] });
    expect(await name(ec2.send(subnets))).toBe('InvalidSubnetID.NotFound');
    const tables = new DescribeRouteTablesCommand({ RouteTableIds: ['rtb-1'] });
    expect(await name(ec2.send(tables))).toBe('InvalidRouteTableID.NotFound');
    const filtered = new DescribeVpcsCommand({ Filters: [{ Name: 'colour', Values: ['red'] }] });
    expect(await name(ec2.send(filtered))).toBe('InvalidParameterValue');
    expect(await name(ec2.send(new DescribeVpcsCommand({ DryRun: true })))).toBe('DryRunOperation');
  });
});

describe('security groups', () => {
  it('allow all egress from birth, of both families in a VPC with IPv6', async () => {
    const { simulator, createGroup, groupOf } = start();
    const all = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
    expect((await groupOf(await createGroup('a')))?.IpPermissionsEgress).toMatchObject(all);
    const vpc = simulator.ec2.addVpc({ cidrs: ['10.9.0.0/16'], ipv6Cidr: '2001:db8::/56' });
    expect((await groupOf(await createGroup('a', vpc.id)))?.IpPermissionsEgress).toMatchObject([
      { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }], Ipv6Ranges: [{ CidrIpv6: '::/0' }] },
    ]);
  });

  it('have names unique in their VPC whatever the case', async () => {
    const { createGroup } = start();
    await createGroup('Bastion');
    expect(await errorName(createGroup('bastion'))).toBe('InvalidGroup.Duplicate');
    expect(await errorName(createGroup('bastion', ORDINARY.natVpc))).toBe('none');
    expect(await errorName(createGroup('sg-mine'))).toBe('InvalidParameterValue');
  });

  it('cannot be deleted while an interface has them or another group refers to them', async () => {
    const { ec2, simulator, createGroup, allow } = start();
    const [id, other] = [await createGroup('task'), await createGroup('database')];
    const remove = () => errorName(ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })));
    await allow(other, id);
    const place = { subnetId: ORDINARY.isolatedSubnets[0], groupIds: [id], description: 'task' };
    const held = simulator.network.attachInterface(place);
    expect(await remove()).toBe('DependencyViolation');
    const byGroup = new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'group-id', Values: [id] }] });
    expect((await ec2.send(byGroup)).NetworkInterfaces).toMatchObject([
      {
        NetworkInterfaceId: held.id,
        PrivateIpAddress: '10.0.1.4',
        Groups: [{ GroupId: id, GroupName: 'task' }],
      },
    ]);
    simulator.network.detachInterface(held.id);
    expect(await remove()).toBe('DependencyViolation');
    const permission = { ...HTTPS, UserIdGroupPairs: [{ GroupId: id }] };
    await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: other, IpPermissions: [permission] }));
    expect(await remove()).toBe('none');
    expect(await remove()).toBe('InvalidGroup.NotFound');
  });

  it('may refer to themselves and still be deleted', async () => {
    const { ec2, createGroup, allow } = start();
    const id = await createGroup('task');
    await allow(id, id);
    expect(await errorName(ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })))).toBe('none');
  });

  it('come in pages, and only with a token the service gave', async () => {
    const { ec2, createGroup } = start();
    for (let index = 0; index < 12; index++) await createGroup(`page-${index}`);
    const Filters = [{ Name: 'group-name', Values: ['page-*'] }];
    const names = new Set<string | undefined>();
    let pages = 0;
    for await (const page of paginateDescribeSecurityGroups({ client: ec2, pageSize: 5 }, { Filters })) {
      pages += 1;
      for (const group of page.SecurityGroups ?? []) names.add(group.GroupName);
    }
    expect([pages, names.size]).toEqual([3, 12]);
    const wrong = new DescribeSecurityGroupsCommand({ NextToken: 'bm9wZQ' });
    expect(await errorName(ec2.send(wrong))).toBe('InvalidNextToken');
    const small = new DescribeSecurityGroupsCommand({ MaxResults: 4 });
    expect(await errorName(ec2.send(small))).toBe('InvalidParameterValue');
  });

  it('are found by tags and by what their rules name', async () => {
    const { ec2, createGroup, allow } = start();
    const [a, b] = [await createGroup('a'), await createGroup('b')];
    await ec2.send(new CreateTagsCommand({ Resources: [a], Tags: [{ Key: 'owner', Value: 'x' }] }));
    await allow(b, a);
    const find = async (Name: string, Value: string) => {
      const command = new DescribeSecurityGroupsCommand({ Filters: [{ Name, Values: [Value] }] });
      return (await ec2.send(command)).SecurityGroups?.map((group) => group.GroupId);
    };
    expect(await find('tag:owner', 'x')).toEqual([a]);
    expect(await find('tag-key', 'owner')).toEqual([a]);
    expect(await find('ip-permission.group-id', a)).toEqual([b]);
    await ec2.send(new DeleteTagsCommand({ Resources: [a], Tags: [{ Key: 'owner', Value: 'other' }] }));
    expect(await find('tag-key', 'owner')).toEqual([a]);
    await ec2.send(new DeleteTagsCommand({ Resources: [a], Tags: [{ Key: 'owner' }] }));
    expect(await find('tag-key', 'owner')).toEqual([]);
    const unknown = new CreateTagsCommand({ Resources: ['sg-1'], Tags: [{ Key: 'a', Value: 'b' }] });
    expect(await errorName(ec2.send(unknown))).toBe('InvalidID');
  });

  it('are invisible and unusable until the configured delay has passed', async () => {
    const { ec2, clock, simulator, createGroup, allow } = start();
    simulator.ec2.state.visibilityDelayMs = 3000;
    const id = await createGroup('task');
    const read = new DescribeSecurityGroupsCommand({ GroupIds: [id] });
    expect(await errorName(ec2.send(read))).toBe('InvalidGroup.NotFound');
    expect(await errorName(allow(ORDINARY.ordersGroup, id))).toBe('InvalidGroup.NotFound');
    await clock.advance(3000);
    expect(await errorName(allow(ORDINARY.ordersGroup, id))).toBe('none');
  });
});

describe('security group rules', () => {
  it('have ids and tags, and go by id', async () => {
    const { ec2, createGroup } = start();
    const GroupId = await createGroup('task');
    const { SecurityGroupRules: added } = await ec2.send(
      new AuthorizeSecurityGroupEgressCommand({
        GroupId,
        IpPermissions: [
          { ...HTTPS, PrefixListIds: [{ PrefixListId: 'pl-61a54008', Description: 'layers' }] },
          {
            ...HTTPS,
            UserIdGroupPairs: [{ GroupId: ORDINARY.ordersGroup }],
            IpRanges: [{ CidrIp: '10.0.0.0/16' }],
          },
        ],
        TagSpecifications: [{ ResourceType: 'security-group-rule', Tags: [{ Key: 'owner', Value: 'x' }] }],
      }),
    );
    expect(added).toHaveLength(3);
    const mine = new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'tag:owner', Values: ['x'] }] });
    const { SecurityGroupRules: shown } = await ec2.send(mine);
    expect(shown?.find((rule) => rule.PrefixListId)).toMatchObject({
      ...{ GroupId, IsEgress: true, IpProtocol: 'tcp', FromPort: 443, ToPort: 443, Description: 'layers' },
      Tags: [{ Key: 'owner', Value: 'x' }],
    });
    expect(shown?.map((rule) => rule.ReferencedGroupInfo?.GroupId)).toContain(ORDINARY.ordersGroup);
    const SecurityGroupRuleIds = added?.map((rule) => rule.SecurityGroupRuleId ?? '') ?? [];
    const revoke = new RevokeSecurityGroupEgressCommand({ GroupId, SecurityGroupRuleIds });
    const { RevokedSecurityGroupRules } = await ec2.send(revoke);
    expect(RevokedSecurityGroupRules).toHaveLength(3);
    expect((await ec2.send(mine)).SecurityGroupRules).toEqual([]);
    expect(await errorName(ec2.send(revoke))).toBe('InvalidSecurityGroupRuleId.NotFound');
  });

  it('let the allow-all egress be revoked by its permission, once', async () => {
    const { ec2, createGroup, groupOf } = start();
    const GroupId = await createGroup('task');
    const everything = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
    const revoke = new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: everything });
    await ec2.send(revoke);
    expect((await groupOf(GroupId))?.IpPermissionsEgress).toEqual([]);
    expect(await errorName(ec2.send(revoke))).toBe('InvalidPermission.NotFound');
  });

  it('are added all together or not at all, never twice', async () => {
    const { ec2, createGroup, groupOf } = start();
    const GroupId = await createGroup('task');
    const allow = (...ranges: string[]) =>
      errorName(
        ec2.send(
          new AuthorizeSecurityGroupIngressCommand({
            GroupId,
            IpPermissions: [{ ...HTTPS, IpRanges: ranges.map((CidrIp) => ({ CidrIp })) }],
          }),
        ),
      );
    expect(await allow('10.0.0.0/24')).toBe('none');
    expect(await allow('10.0.1.0/24', '10.0.0.0/24')).toBe('InvalidPermission.Duplicate');
    expect(await allow('10.0.1.0/24', '10.0.1.0/24')).toBe('InvalidParameterValue');
    expect(await allow('10.0.1.0/99')).toBe('InvalidParameterValue');
    expect((await groupOf(GroupId))?.IpPermissions?.[0]?.IpRanges).toMatchObject([{ CidrIp: '10.0.0.0/24' }]);
  });

  it('refer only to groups of the same VPC and to prefix lists that exist', async () => {
    const { ec2, createGroup, allow } = start();
    const GroupId = await createGroup('task');
    expect(await errorName(allow(GroupId, ORDINARY.natDatabaseGroup))).toBe('InvalidGroup.NotFound');
    expect(await errorName(allow(GroupId, 'sg-1'))).toBe('InvalidGroup.NotFound');
    const IpPermissions = [{ ...HTTPS, PrefixListIds: [{ PrefixListId: 'pl-1' }] }];
    const toNowhere = new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions });
    expect(await errorName(ec2.send(toNowhere))).toBe('InvalidPrefixListID.NotFound');
  });

  it('are limited to 60 in each direction', async () => {
    const { ec2, createGroup } = start();
    const GroupId = await createGroup('task');
    const allow = (net: number, count: number) => {
      const IpRanges = Array.from({ length: count }, (_, index) => ({ CidrIp: `10.${net}.${index}.0/24` }));
      const IpPermissions = [{ ...HTTPS, IpRanges }];
      return errorName(ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions })));
    };
    expect(await allow(1, 60)).toBe('none');
    expect(await allow(2, 1)).toBe('RulesPerSecurityGroupLimitExceeded');
  });
});
