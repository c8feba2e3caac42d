import {
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  DescribeLogGroupsCommand,
  ListTagsForResourceCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateActivationCommand,
  DeleteActivationCommand,
  DeleteParameterCommand,
  DeregisterManagedInstanceCommand,
  DescribeActivationsCommand,
  DescribeInstanceInformationCommand,
  DescribeParametersCommand,
  DescribeSessionsCommand,
  GetParameterCommand,
  GetServiceSettingCommand,
  ListTagsForResourceCommand as ListTags,
  PutParameterCommand,
  StartSessionCommand,
  TerminateSessionCommand,
} from '@aws-sdk/client-ssm';
import { expect } from 'vitest';
import { errorName } from '../simulator/clients.ts';
import { type Case, type Subject, unique } from './subject.ts';

const TAG = { Key: 'bastion-operator.dev/key', Value: 'a/b' };

async function addLogGroup(aws: Subject, logGroupName = `/bastion-operator/${unique('logs')}`) {
  await aws.logs.send(new CreateLogGroupCommand({ logGroupName, tags: { [TAG.Key]: TAG.Value } }));
  return logGroupName;
}

async function logGroup(aws: Subject, logGroupNamePrefix: string) {
  return (await aws.logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix }))).logGroups?.[0];
}

async function addParameter(aws: Subject, Name = `/bastion-operator/${unique('test')}/activation`) {
  const input = { Name, Type: 'SecureString' as const, Value: 'secret', Description: 'a code' };
  await aws.ssm.send(new PutParameterCommand({ ...input, Tags: [TAG] }));
  return Name;
}

const LOG_CASES: readonly Case[] = [
  {
    name: 'refuses a second log group of the same name',
    async check(aws) {
      const name = await addLogGroup(aws);
      expect(await errorName(addLogGroup(aws, name))).toBe('ResourceAlreadyExistsException');
    },
  },
  {
    name: 'gives a log group with its retention and its tags',
    async check(aws) {
      const logGroupName = await addLogGroup(aws);
      await aws.logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: 30 }));
      const group = await logGroup(aws, logGroupName);
      expect(group).toMatchObject({ logGroupName, retentionInDays: 30 });
      const resourceArn = (group?.logGroupArn ?? group?.arn ?? '').replace(/:\*$/, '');
      const { tags } = await aws.logs.send(new ListTagsForResourceCommand({ resourceArn }));
      expect(tags).toEqual({ [TAG.Key]: TAG.Value });
    },
  },
  {
    name: 'does not find a log group that is gone',
    async check(aws) {
      const logGroupName = await addLogGroup(aws);
      const removal = () => aws.logs.send(new DeleteLogGroupCommand({ logGroupName }));
      expect(await errorName(removal())).toBe('none');
      expect(await errorName(removal())).toBe('ResourceNotFoundException');
    },
  },
  {
    name: 'gives log groups in pages',
    async check(aws) {
      const logGroupNamePrefix = `/bastion-operator/${unique('logs')}`;
      for (const name of ['a', 'b', 'c']) await addLogGroup(aws, `${logGroupNamePrefix}/${name}`);
      const first = await aws.logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix, limit: 2 }));
      expect(first.logGroups).toHaveLength(2);
      const next = { logGroupNamePrefix, limit: 2, nextToken: first.nextToken };
      expect((await aws.logs.send(new DescribeLogGroupsCommand(next))).logGroups).toHaveLength(1);
    },
  },
];

const PARAMETER_CASES: readonly Case[] = [
  {
    name: 'refuses to put a parameter that exists, unless told to overwrite it',
    async check(aws) {
      const name = await addParameter(aws);
      expect(await errorName(addParameter(aws, name))).toBe('ParameterAlreadyExists');
    },
  },
  {
    name: 'gives a parameter in clear text only when asked to decrypt it',
    async check(aws) {
      const Name = await addParameter(aws);
      const { Parameter: plain } = await aws.ssm.send(
        new GetParameterCommand({ Name, WithDecryption: true }),
      );
      expect(plain?.Value).toBe('secret');
      expect((await aws.ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value).not.toBe('secret');
    },
  },
  {
    name: 'lists parameters below a path, with their descriptions',
    async check(aws) {
      const Name = await addParameter(aws);
      const Values = [Name.replace(/activation$/, '')];
      const ParameterFilters = [{ Key: 'Name', Option: 'BeginsWith', Values }];
      const { Parameters } = await aws.ssm.send(new DescribeParametersCommand({ ParameterFilters }));
      expect(Parameters).toMatchObject([{ Name, Type: 'SecureString', Description: 'a code' }]);
    },
  },
  {
    name: 'gives the tags of a parameter',
    async check(aws) {
      const ResourceId = await addParameter(aws);
      const { TagList } = await aws.ssm.send(new ListTags({ ResourceType: 'Parameter', ResourceId }));
      expect(TagList).toEqual([TAG]);
    },
  },
  {
    name: 'does not find a parameter that is gone',
    async check(aws) {
      const Name = await addParameter(aws);
      const removal = () => aws.ssm.send(new DeleteParameterCommand({ Name }));
      expect(await errorName(removal())).toBe('none');
      expect(await errorName(removal())).toBe('ParameterNotFound');
    },
  },
  {
    name: 'gives parameters in pages',
    async check(aws) {
      const path = `/bastion-operator/${unique('test')}/`;
      for (const name of ['a', 'b', 'c']) await addParameter(aws, `${path}${name}`);
      const input = {
        ParameterFilters: [{ Key: 'Name', Option: 'BeginsWith', Values: [path] }],
        MaxResults: 2,
      };
      const first = await aws.ssm.send(new DescribeParametersCommand(input));
      expect(first.Parameters).toHaveLength(2);
      const next = { ...input, NextToken: first.NextToken };
      expect((await aws.ssm.send(new DescribeParametersCommand(next))).Parameters).toHaveLength(1);
    },
  },
];

const NO_NODE = 'mi-00000000000000000';
const NO_ACTIVATION = '00000000-0000-4000-8000-000000000000';

/** The operations that only the simulator stands in for; what they do is tested there. */
const SESSION_CASES: readonly Case[] = [
  {
    name: 'refuses an activation for a role that does not exist',
    async check(aws) {
      const activation = aws.ssm.send(new CreateActivationCommand({ IamRole: unique('absent') }));
      expect(await errorName(activation)).toBe('ValidationException');
    },
  },
  {
    name: 'lists activations',
    async check(aws) {
      expect((await aws.ssm.send(new DescribeActivationsCommand({}))).ActivationList).toEqual([]);
    },
  },
  {
    name: 'does not find an activation that is not there',
    async check(aws) {
      const removal = aws.ssm.send(new DeleteActivationCommand({ ActivationId: NO_ACTIVATION }));
      expect(await errorName(removal)).toBe('InvalidActivation');
    },
  },
  {
    name: 'lists managed nodes',
    async check(aws) {
      const nodes = await aws.ssm.send(new DescribeInstanceInformationCommand({}));
      expect(nodes.InstanceInformationList).toEqual([]);
    },
  },
  {
    name: 'does not find a managed node to deregister that is not there',
    async check(aws) {
      const removal = aws.ssm.send(new DeregisterManagedInstanceCommand({ InstanceId: NO_NODE }));
      expect(await errorName(removal)).toBe('InvalidInstanceId');
    },
  },
  {
    name: 'does not know the tags of a managed node that is not there',
    async check(aws) {
      const tags = aws.ssm.send(new ListTags({ ResourceType: 'ManagedInstance', ResourceId: NO_NODE }));
      expect(await errorName(tags)).toBe('InvalidResourceId');
    },
  },
  {
    name: 'opens no session to a node that is not there',
    async check(aws) {
      const session = aws.ssm.send(new StartSessionCommand({ Target: NO_NODE }));
      expect(await errorName(session)).toBe('TargetNotConnected');
    },
  },
  {
    name: 'lists sessions',
    async check(aws) {
      const { Sessions } = await aws.ssm.send(new DescribeSessionsCommand({ State: 'Active' }));
      expect(Sessions).toEqual([]);
    },
  },
  {
    name: 'has nothing to end where no session is',
    async check(aws) {
      const end = aws.ssm.send(new TerminateSessionCommand({ SessionId: 'someone-0123456789abcdef0' }));
      // AWS does not document which of the two it is.
      expect(['none', 'DoesNotExistException']).toContain(await errorName(end));
    },
  },
  {
    name: 'tells the tier of managed nodes',
    async check(aws) {
      const SettingId = '/ssm/managed-instance/activation-tier';
      const { ServiceSetting } = await aws.ssm.send(new GetServiceSettingCommand({ SettingId }));
      expect(ServiceSetting?.SettingValue).toBe('standard');
    },
  },
];

export const SYSTEMS_MANAGER_CASES: readonly Case[] = [...LOG_CASES, ...PARAMETER_CASES, ...SESSION_CASES];
