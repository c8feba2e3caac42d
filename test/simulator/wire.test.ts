import { DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcsCommand,
} from '@aws-sdk/client-ec2';
import { CreateRoleCommand, GetRoleCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { decodeForm } from '../../controller/simulator/wire/decode.ts';
import { ACCOUNT, errorName, sdkClients, startSimulator } from './clients.ts';

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'ecs-tasks.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ],
});

describe('the wire', () => {
  it('reads numbered and member lists in the order of their numbers', () => {
    const form = 'A.2=b&A.1=a&A.10=j&T.member.1.Key=k&T.member.1.Value=&S.Value=true&Empty=';
    expect(decodeForm(form)).toEqual({
      A: ['a', 'b', 'j'],
      T: [{ Key: 'k', Value: '' }],
      S: { Value: 'true' },
      Empty: '',
    });
  });

  it('carries EC2 lists, tags and empty sets both ways', async () => {
    const { ec2 } = startSimulator();
    const created = await ec2.send(
      new CreateSecurityGroupCommand({
        GroupName: 'a & b',
        Description: '<task> & "friends"',
        VpcId: ORDINARY.isolatedVpc,
        TagSpecifications: [
          { ResourceType: 'security-group', Tags: [{ Key: 'note', Value: '<&> "it\'s" ü' }] },
        ],
      }),
    );
    expect(created.Tags).toEqual([{ Key: 'note', Value: '<&> "it\'s" ü' }]);
    const { SecurityGroups } = await ec2.send(
      new DescribeSecurityGroupsCommand({ GroupIds: [created.GroupId ?? ''] }),
    );
    expect(SecurityGroups).toHaveLength(1);
    expect(SecurityGroups?.[0]).toMatchObject({ Description: '<task> & "friends"', IpPermissions: [] });
  });

  it('carries IAM structures, instants and error names', async () => {
    const { iam } = startSimulator();
    const created = await iam.send(
      new CreateRoleCommand({
        RoleName: 'task',
        AssumeRolePolicyDocument: TRUST,
        Tags: [{ Key: 'a', Value: 'b' }],
      }),
    );
    expect(created.Role?.Arn).toBe(`arn:aws:iam::${ACCOUNT}:role/task`);
    expect(created.Role?.CreateDate).toEqual(new Date('2026-11-23T09:00:00Z'));
    expect((await iam.send(new ListRolesCommand({}))).Roles).toHaveLength(1);
    expect(await errorName(iam.send(new GetRoleCommand({ RoleName: 'nobody' })))).toMatch(/^NoSuchEntity/);
  });

  it('carries JSON structures, instants and error names', async () => {
    const { ssm, logs } = startSimulator();
    await ssm.send(new PutParameterCommand({ Name: '/a/b', Value: 'x', Type: 'String' }));
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: '/a/b' }));
    expect(Parameter).toMatchObject({ Value: 'x', LastModifiedDate: new Date('2026-11-23T09:00:00Z') });
    expect(await errorName(ssm.send(new GetParameterCommand({ Name: '/none' })))).toBe('ParameterNotFound');
    expect((await logs.send(new DescribeLogGroupsCommand({}))).logGroups).toEqual([]);
  });

  it('answers STS', async () => {
    const { sts } = startSimulator();
    expect((await sts.send(new GetCallerIdentityCommand({}))).Account).toBe(ACCOUNT);
  });

  it('gives another region its own network and the same IAM', async () => {
    const { simulator, iam, ec2 } = startSimulator();
    await ec2.send(
      new CreateSecurityGroupCommand({ GroupName: 'here', Description: 'd', VpcId: ORDINARY.isolatedVpc }),
    );
    await iam.send(new CreateRoleCommand({ RoleName: 'task', AssumeRolePolicyDocument: TRUST }));
    const other = sdkClients({ requestHandler: simulator.requestHandler }, 'eu-west-1');
    const named = await other.ec2.send(new DescribeSecurityGroupsCommand({ GroupNames: ['here'] }));
    expect(named.SecurityGroups).toEqual([]);
    expect((await other.iam.send(new ListRolesCommand({}))).Roles).toHaveLength(1);
    expect((await other.ec2.send(new DescribeVpcsCommand({}))).Vpcs).toHaveLength(2);
  });

  it('refuses what is no API call, no JSON and no known operation', () => {
    const { simulator } = startSimulator();
    const request = { method: 'POST', path: '/', body: '' };
    const { handle } = simulator;
    expect(handle({ ...request, headers: {} }).body).toContain('MissingAction');
    const target = { 'x-amz-target': 'AmazonSSM.Fly' };
    expect(handle({ ...request, headers: target, body: '{' }).body).toContain('SerializationException');
    expect(handle({ ...request, headers: target, body: '{}' }).body).toContain('UnknownOperationException');
    const host = { host: 'ec2.eu-west-1.amazonaws.com' };
    expect(handle({ ...request, headers: host, body: 'Action=Fly' }).body).toContain('InvalidAction');
  });
});
