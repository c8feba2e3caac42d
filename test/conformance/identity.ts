import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetAccountAuthorizationDetailsCommand,
  GetRoleCommand,
  PutRolePolicyCommand,
  paginateGetAccountAuthorizationDetails,
  type RoleDetail,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { expect } from 'vitest';
import { errorName } from '../simulator/clients.ts';
import { type Case, type Subject, unique } from './subject.ts';

const TRUST = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'ecs-tasks.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ],
};
const POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['ssmmessages:OpenDataChannel'], Resource: '*' }],
};
const EXECUTION = 'arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy';
const TAG = { Key: 'bastion-operator.dev/key', Value: 'iam-role/execution' };

export async function addRole(
  aws: Subject,
  RoleName = unique('role'),
): Promise<{ name: string; arn: string }> {
  const input = {
    RoleName,
    Path: '/bastion-operator/test/',
    AssumeRolePolicyDocument: JSON.stringify(TRUST),
  };
  const { Role } = await aws.iam.send(new CreateRoleCommand({ ...input, Tags: [TAG] }));
  return { name: RoleName, arn: Role?.Arn ?? '' };
}

function attach(aws: Subject, RoleName: string, PolicyArn = EXECUTION) {
  return aws.iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
}

function put(aws: Subject, RoleName: string) {
  const PolicyDocument = JSON.stringify(POLICY);
  return aws.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'channel', PolicyDocument }));
}

async function detailOf(aws: Subject, name: string): Promise<RoleDetail | undefined> {
  const pages = paginateGetAccountAuthorizationDetails({ client: aws.iam }, { Filter: ['Role'] });
  for await (const { RoleDetailList = [] } of pages) {
    const found = RoleDetailList.find(({ RoleName }) => RoleName === name);
    if (found) return found;
  }
  return undefined;
}

export const IDENTITY_CASES: readonly Case[] = [
  {
    name: 'tells who is asking',
    async check(aws) {
      expect((await aws.sts.send(new GetCallerIdentityCommand({}))).Account).toMatch(/^\d{12}$/);
    },
  },
  {
    name: 'refuses a second role of the same name',
    async check(aws) {
      const { name } = await addRole(aws);
      expect(await errorName(addRole(aws, name))).toBe('EntityAlreadyExistsException');
    },
  },
  {
    name: 'does not find a role that is not there',
    async check(aws) {
      const RoleName = unique('absent');
      expect(await errorName(aws.iam.send(new GetRoleCommand({ RoleName })))).toBe('NoSuchEntityException');
      expect(await errorName(aws.iam.send(new DeleteRoleCommand({ RoleName })))).toBe(
        'NoSuchEntityException',
      );
    },
  },
  {
    name: 'keeps a role that has an attached policy',
    async check(aws) {
      const { name: RoleName } = await addRole(aws);
      await attach(aws, RoleName);
      const removal = aws.iam.send(new DeleteRoleCommand({ RoleName }));
      expect(await errorName(removal)).toBe('DeleteConflictException');
    },
  },
  {
    name: 'keeps a role that has an inline policy',
    async check(aws) {
      const { name: RoleName } = await addRole(aws);
      await put(aws, RoleName);
      const removal = aws.iam.send(new DeleteRoleCommand({ RoleName }));
      expect(await errorName(removal)).toBe('DeleteConflictException');
    },
  },
  {
    name: 'removes a role once its policies are gone',
    async check(aws) {
      const { name: RoleName } = await addRole(aws);
      await attach(aws, RoleName);
      await put(aws, RoleName);
      await aws.iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn: EXECUTION }));
      await aws.iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'channel' }));
      await aws.iam.send(new DeleteRoleCommand({ RoleName }));
      expect(await detailOf(aws, RoleName)).toBeUndefined();
    },
  },
  {
    name: 'does not find a policy to detach that is not attached',
    async check(aws) {
      const { name: RoleName } = await addRole(aws);
      const detach = aws.iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn: EXECUTION }));
      expect(await errorName(detach)).toBe('NoSuchEntityException');
    },
  },
  {
    name: 'does not find an inline policy to delete that is not there',
    async check(aws) {
      const { name: RoleName } = await addRole(aws);
      const removal = aws.iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'absent' }));
      expect(await errorName(removal)).toBe('NoSuchEntityException');
    },
  },
  {
    name: 'attaches a policy that is attached already, without an error',
    async check(aws) {
      const { name } = await addRole(aws);
      await attach(aws, name);
      await attach(aws, name);
      expect((await detailOf(aws, name))?.AttachedManagedPolicies).toHaveLength(1);
    },
  },
  {
    name: 'refuses to attach a policy that does not exist',
    async check(aws) {
      const { name } = await addRole(aws);
      const absent = attach(aws, name, 'arn:aws:iam::aws:policy/NoSuchPolicy');
      expect(await errorName(absent)).toBe('NoSuchEntityException');
    },
  },
  {
    name: 'gives a role with its path, trust, policies and tags in one list',
    async check(aws) {
      const { name } = await addRole(aws);
      await attach(aws, name);
      await put(aws, name);
      const role = await detailOf(aws, name);
      expect(role).toMatchObject({ Path: '/bastion-operator/test/', Tags: [TAG] });
      expect(role?.AttachedManagedPolicies).toMatchObject([{ PolicyArn: EXECUTION }]);
      const trust = decodeURIComponent(role?.AssumeRolePolicyDocument ?? '');
      expect(JSON.parse(trust)).toEqual(TRUST);
      const inline = decodeURIComponent(role?.RolePolicyList?.[0]?.PolicyDocument ?? '');
      expect(JSON.parse(inline)).toEqual(POLICY);
    },
  },
  {
    name: 'gives roles in pages',
    async check(aws) {
      for (let count = 0; count < 3; count++) await addRole(aws);
      const input = { Filter: ['Role' as const], MaxItems: 2 };
      const first = await aws.iam.send(new GetAccountAuthorizationDetailsCommand(input));
      expect(first.RoleDetailList).toHaveLength(2);
      expect(first.IsTruncated).toBe(true);
      const next = { ...input, Marker: first.Marker };
      const second = await aws.iam.send(new GetAccountAuthorizationDetailsCommand(next));
      const seen = new Set(first.RoleDetailList?.map(({ RoleName }) => RoleName));
      expect(second.RoleDetailList?.filter(({ RoleName }) => seen.has(RoleName))).toEqual([]);
    },
  },
];
