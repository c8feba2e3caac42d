import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  type IpPermission,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import { expect } from 'vitest';
import { errorName } from '../simulator/clients.ts';
import { type Case, type Subject, unique } from './subject.ts';

const HTTPS: IpPermission = {
  IpProtocol: 'tcp',
  FromPort: 443,
  ToPort: 443,
  IpRanges: [{ CidrIp: '10.0.0.0/16' }],
};

async function addGroup(aws: Subject, VpcId: string, GroupName = unique('group')): Promise<string> {
  const made = await aws.ec2.send(
    new CreateSecurityGroupCommand({ GroupName, Description: 'a group', VpcId }),
  );
  return made.GroupId ?? '';
}

function allow(aws: Subject, GroupId: string, permission: IpPermission = HTTPS) {
  return aws.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [permission] }));
}

function fromGroup(GroupId: string, port = 5432): IpPermission {
  return { IpProtocol: 'tcp', FromPort: port, ToPort: port, UserIdGroupPairs: [{ GroupId }] };
}

export const SECURITY_GROUP_CASES: readonly Case[] = [
  {
    name: 'gives a new security group one rule, which allows all egress',
    async check(aws) {
      const { vpcId } = await aws.network();
      const id = await addGroup(aws, vpcId);
      const { SecurityGroups } = await aws.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }));
      expect(SecurityGroups?.[0]?.IpPermissions ?? []).toEqual([]);
      expect(SecurityGroups?.[0]?.IpPermissionsEgress).toMatchObject([
        { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
      ]);
    },
  },
  {
    name: 'refuses a second security group of the same name in a VPC',
    async check(aws) {
      const { vpcId } = await aws.network();
      const name = unique('group');
      await addGroup(aws, vpcId, name);
      expect(await errorName(addGroup(aws, vpcId, name))).toBe('InvalidGroup.Duplicate');
    },
  },
  {
    name: 'keeps the tags that a security group is made with',
    async check(aws) {
      const { vpcId: VpcId } = await aws.network();
      const Tags = [{ Key: 'bastion-operator.dev/key', Value: 'a/b' }];
      const TagSpecifications = [{ ResourceType: 'security-group' as const, Tags }];
      const input = { GroupName: unique('group'), Description: 'a group', VpcId, TagSpecifications };
      const { GroupId = '' } = await aws.ec2.send(new CreateSecurityGroupCommand(input));
      const found = await aws.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }));
      expect(found.SecurityGroups?.[0]?.Tags).toEqual(Tags);
    },
  },
  {
    name: 'refuses a rule that is there already',
    async check(aws) {
      const id = await addGroup(aws, (await aws.network()).vpcId);
      await allow(aws, id);
      expect(await errorName(allow(aws, id))).toBe('InvalidPermission.Duplicate');
    },
  },
  {
    name: 'does not find a rule to revoke that was never there',
    async check(aws) {
      const GroupId = await addGroup(aws, (await aws.network()).vpcId);
      const revoke = new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: [HTTPS] });
      expect(await errorName(aws.ec2.send(revoke))).toBe('InvalidPermission.NotFound');
    },
  },
  {
    name: 'revokes the egress rule that a group is born with',
    async check(aws) {
      const GroupId = await addGroup(aws, (await aws.network()).vpcId);
      const IpPermissions = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
      await aws.ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions }));
      const found = await aws.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }));
      expect(found.SecurityGroups?.[0]?.IpPermissionsEgress ?? []).toEqual([]);
    },
  },
  {
    name: 'tells a rule by its id, with its tags and the group it lets in',
    async check(aws) {
      const { vpcId } = await aws.network();
      const [GroupId, other] = [await addGroup(aws, vpcId), await addGroup(aws, vpcId)];
      const Tags = [{ Key: 'bastion-operator.dev/installation', Value: 'test' }];
      const TagSpecifications = [{ ResourceType: 'security-group-rule' as const, Tags }];
      const input = { GroupId, IpPermissions: [fromGroup(other)], TagSpecifications };
      await aws.ec2.send(new AuthorizeSecurityGroupIngressCommand(input));
      const Filters = [{ Name: 'group-id', Values: [GroupId] }];
      const { SecurityGroupRules = [] } = await aws.ec2.send(
        new DescribeSecurityGroupRulesCommand({ Filters }),
      );
      const rule = SecurityGroupRules.find(({ IsEgress }) => !IsEgress);
      expect(rule).toMatchObject({ FromPort: 5432, ReferencedGroupInfo: { GroupId: other }, Tags });
      expect(rule?.SecurityGroupRuleId).toMatch(/^sgr-/);
    },
  },
  {
    name: 'revokes a rule by its id',
    async check(aws) {
      const { vpcId } = await aws.network();
      const [GroupId, other] = [await addGroup(aws, vpcId), await addGroup(aws, vpcId)];
      await allow(aws, GroupId, fromGroup(other));
      const Filters = [{ Name: 'group-id', Values: [GroupId] }];
      const { SecurityGroupRules = [] } = await aws.ec2.send(
        new DescribeSecurityGroupRulesCommand({ Filters }),
      );
      const ids = SecurityGroupRules.flatMap((rule) =>
        rule.IsEgress ? [] : (rule.SecurityGroupRuleId ?? []),
      );
      await aws.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, SecurityGroupRuleIds: ids }));
      const found = await aws.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }));
      expect(found.SecurityGroups?.[0]?.IpPermissions ?? []).toEqual([]);
    },
  },
  {
    name: 'keeps a group that a rule of another group names',
    async check(aws) {
      const { vpcId } = await aws.network();
      const [target, source] = [await addGroup(aws, vpcId), await addGroup(aws, vpcId)];
      await allow(aws, target, fromGroup(source));
      const removal = aws.ec2.send(new DeleteSecurityGroupCommand({ GroupId: source }));
      expect(await errorName(removal)).toBe('DependencyViolation');
    },
  },
  {
    name: 'does not find a security group that is gone',
    async check(aws) {
      const GroupId = await addGroup(aws, (await aws.network()).vpcId);
      await aws.ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
      const again = aws.ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
      expect(await errorName(again)).toBe('InvalidGroup.NotFound');
    },
  },
  {
    name: 'gives security groups in pages',
    async check(aws) {
      const { vpcId } = await aws.network();
      for (let count = 0; count < 6; count++) await addGroup(aws, vpcId);
      const Filters = [{ Name: 'vpc-id', Values: [vpcId] }];
      const first = await aws.ec2.send(new DescribeSecurityGroupsCommand({ Filters, MaxResults: 5 }));
      expect(first.SecurityGroups).toHaveLength(5);
      const next = { Filters, MaxResults: 5, NextToken: first.NextToken };
      const second = await aws.ec2.send(new DescribeSecurityGroupsCommand(next));
      // The VPC's default group, where the subject makes one, is the seventh.
      expect([1, 2]).toContain(second.SecurityGroups?.length);
      expect(second.NextToken).toBeUndefined();
    },
  },
];
