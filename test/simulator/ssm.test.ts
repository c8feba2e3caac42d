import { describe, expect, it } from 'vitest';
import { ACCOUNT, addRole, type Bed, faultOf, makeBed, trust } from './bed.ts';

const SSM = 'ssm.amazonaws.com';
const TIER = '/ssm/managed-instance/activation-tier';

async function bedWithNodeRole(): Promise<Bed> {
  const bed = makeBed();
  addRole(bed, 'node', SSM);
  await bed.clock.advance(60_000);
  return bed;
}

function activate(bed: Bed, options: object = {}) {
  const made = bed.ask.ssm('CreateActivation', { IamRole: 'node', ...options });
  return { id: made.text('ActivationId'), code: made.text('ActivationCode') };
}

const host = { name: 'ip-10-0-1-7', ip: '10.0.1.7' };

describe('simulated activations', () => {
  it('says why a role cannot be used: missing, not yet propagated, not trusting, or named without its path', async () => {
    const bed = makeBed();
    addRole(bed, 'node', SSM);
    addRole(bed, 'other', 'ecs-tasks.amazonaws.com');
    bed.ask.iam('CreateRole', { RoleName: 'deep', Path: '/p/', AssumeRolePolicyDocument: trust(SSM) });
    const create = (IamRole: string) => faultOf(() => bed.ask.ssm('CreateActivation', { IamRole }));
    const arn = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
    expect(create('none')).toBe(`ValidationException: Not existing role: ${arn('none')}`);
    const untrusted =
      'ValidationException: Nonexistent role or missing ssm service principal in trust policy';
    expect(create('node')).toBe(`${untrusted}: ${arn('node')}`);
    await bed.clock.advance(60_000);
    expect(create('node')).toBe('none');
    expect(create('other')).toBe(`${untrusted}: ${arn('other')}`);
    expect(create('deep')).toBe(`ValidationException: Not existing role: ${arn('deep')}`);
    expect(create('p/deep')).toBe('none');
  });

  it('registers as many nodes as its limit, until it expires, and only with its code', async () => {
    const bed = await bedWithNodeRole();
    const activation = activate(bed, { Tags: [{ Key: 'k', Value: 'v' }], DefaultInstanceName: 'bastion' });
    const register = (code = activation.code) => bed.ssm.register({ ...host, id: activation.id, code });
    expect(faultOf(() => register('wrong'))).toMatch(/^InvalidActivation/);
    const node = register();
    expect(node).toMatch(/^mi-[0-9a-f]{17}$/);
    expect(faultOf(register)).toMatch(/^RegistrationLimitExceeded/);
    const tags = bed.ask.ssm('ListTagsForResource', { ResourceType: 'ManagedInstance', ResourceId: node });
    expect(tags.at('TagList')).toEqual([{ Key: 'k', Value: 'v' }]);
    const late = activate(bed);
    await bed.clock.advance(86_400_000);
    const described = bed.ask.ssm('DescribeActivations');
    expect(described.at('ActivationList', 0)).toMatchObject({ RegistrationsCount: 1, Expired: true });
    expect(faultOf(() => bed.ssm.register({ ...host, ...late }))).toMatch(/^ActivationExpired/);
  });

  it('lives at most 30 days', async () => {
    const bed = await bedWithNodeRole();
    const until = (days: number) => {
      const ExpirationDate = bed.clock.now() / 1000 + days * 86_400;
      return faultOf(() => activate(bed, { ExpirationDate }));
    };
    expect([until(29), until(31).slice(0, 19), until(-1).slice(0, 19)]).toEqual([
      ...['none', 'ValidationException', 'ValidationException'],
    ]);
  });

  it('is deleted without its nodes, and pages', async () => {
    const bed = await bedWithNodeRole();
    const made = Array.from({ length: 3 }, () => activate(bed, { DefaultInstanceName: 'n' }));
    const node = bed.ssm.register({ ...host, ...(made[0] ?? { id: '', code: '' }) });
    bed.ask.ssm('DeleteActivation', { ActivationId: made[0]?.id });
    expect(faultOf(() => bed.ask.ssm('DeleteActivation', { ActivationId: made[0]?.id }))).toMatch(
      /^InvalidActivation:/,
    );
    expect(bed.ssm.isOnline(node)).toBe(true);
    const Filters = [{ FilterKey: 'DefaultInstanceName', FilterValues: ['n'] }];
    const page = bed.ask.ssm('DescribeActivations', { MaxResults: 1, Filters });
    const next = bed.ask.ssm('DescribeActivations', {
      MaxResults: 1,
      Filters,
      NextToken: page.at('NextToken'),
    });
    expect(next.at('ActivationList', 0, 'ActivationId')).toBe(made[2]?.id);
    expect(next.at('NextToken')).toBeUndefined();
  });
});

describe('simulated managed nodes', () => {
  it('are found by tag alone, in pages of ten, and told to be lost when nobody connects', async () => {
    const bed = await bedWithNodeRole();
    const activation = activate(bed, { RegistrationLimit: 12, Tags: [{ Key: 'k', Value: 'v' }] });
    for (let index = 0; index < 12; index++) {
      bed.ssm.register({ ...host, ...activation, connected: () => index > 0 });
    }
    const byTag = [{ Key: 'tag:k', Values: ['v'] }];
    const first = bed.ask.ssm('DescribeInstanceInformation', { Filters: byTag });
    expect(first.at('InstanceInformationList', 0)).toMatchObject({
      ...{ PingStatus: 'ConnectionLost', IamRole: 'node', ResourceType: 'ManagedInstance' },
    });
    expect(first.at('InstanceInformationList', 1, 'PingStatus')).toBe('Online');
    expect(first.at('InstanceInformationList', 10)).toBeUndefined();
    const rest = bed.ask.ssm('DescribeInstanceInformation', {
      Filters: byTag,
      NextToken: first.at('NextToken'),
    });
    expect(rest.at('InstanceInformationList', 1)).toBeDefined();
    const both = [...byTag, { Key: 'PingStatus', Values: ['Online'] }];
    expect(faultOf(() => bed.ask.ssm('DescribeInstanceInformation', { Filters: both }))).toMatch(
      /^InvalidFilterKey/,
    );
    expect(faultOf(() => bed.ask.ssm('DescribeInstanceInformation', { MaxResults: 4 }))).toMatch(
      /^ValidationException/,
    );
  });

  it('take sessions only in the advanced tier, and lose them when deregistered', async () => {
    const bed = await bedWithNodeRole();
    const Target = bed.ssm.register({ ...host, ...activate(bed) });
    const start = () => bed.ask.ssm('StartSession', { Target, Reason: 'test' });
    expect(faultOf(start)).toMatch(/^BadRequest: Enable advanced-instances tier/);
    const SettingId = `arn:aws:ssm:ap-northeast-1:${ACCOUNT}:servicesetting${TIER}`;
    bed.ask.ssm('UpdateServiceSetting', { SettingId, SettingValue: 'advanced' });
    expect(bed.ask.ssm('GetServiceSetting', { SettingId: TIER }).at('ServiceSetting')).toMatchObject({
      ...{ SettingValue: 'advanced', Status: 'Customized' },
    });
    const id = start().text('SessionId');
    const Filters = [{ key: 'Target', value: Target }];
    const active = () => bed.ask.ssm('DescribeSessions', { State: 'Active', Filters });
    expect(active().at('Sessions', 0)).toMatchObject({ SessionId: id, Status: 'Connected', Reason: 'test' });
    bed.ask.ssm('DeregisterManagedInstance', { InstanceId: Target });
    expect(active().at('Sessions')).toEqual([]);
    const history = bed.ask.ssm('DescribeSessions', { State: 'History', Filters });
    expect(history.at('Sessions', 0)).toMatchObject({ SessionId: id, Status: 'Terminated' });
    expect(faultOf(start)).toBe(`TargetNotConnected: ${Target} is not connected.`);
    expect(faultOf(() => bed.ask.ssm('DeregisterManagedInstance', { InstanceId: Target }))).toMatch(
      /^InvalidInstanceId/,
    );
  });
});

describe('simulated parameters', () => {
  const put = (bed: Bed, more: object = {}) =>
    bed.ask.ssm('PutParameter', { Name: '/b/a', Value: 'secret', Type: 'SecureString', ...more });

  it('keep a SecureString sealed unless decryption is asked for', () => {
    const bed = makeBed();
    put(bed, { Tags: [{ Key: 'k', Value: 'v' }], Description: 'code' });
    const read = (more: object) => bed.ask.ssm('GetParameter', { Name: '/b/a', ...more });
    expect(read({}).text('Parameter', 'Value')).not.toContain('secret');
    expect(read({ WithDecryption: true }).text('Parameter', 'Value')).toBe('secret');
    const arn = read({}).text('Parameter', 'ARN');
    expect(bed.ssm.parameterValue(arn)).toBe('secret');
  });

  it('are overwritten only when asked to, and then without tags', () => {
    const bed = makeBed();
    put(bed);
    expect(faultOf(() => put(bed))).toMatch(/^ParameterAlreadyExists/);
    expect(put(bed, { Overwrite: true }).at('Version')).toBe(2);
    const tagged = { Overwrite: true, Tags: [{ Key: 'k', Value: 'v' }] };
    expect(faultOf(() => put(bed, tagged))).toMatch(/^ValidationException: .*tags and overwrite/);
    expect(faultOf(() => put(bed, { Name: '/aws/x' }))).toMatch(/^ValidationException/);
  });

  it('are listed by prefix and tag, and deleted in batches that name what is missing', () => {
    const bed = makeBed();
    put(bed, { Tags: [{ Key: 'k', Value: 'v' }], Description: 'code' });
    put(bed, { Name: '/c' });
    const list = (Key: string, more: object) =>
      bed.ask.ssm('DescribeParameters', { ParameterFilters: [{ Key, ...more }] });
    const byPrefix = list('Name', { Option: 'BeginsWith', Values: ['/b/'] });
    expect(byPrefix.at('Parameters', 0)).toMatchObject({ Name: '/b/a', Description: 'code' });
    expect(byPrefix.at('Parameters', 1)).toBeUndefined();
    expect(list('tag:k', { Values: ['v'] }).at('Parameters', 0, 'Name')).toBe('/b/a');
    const deleted = bed.ask.ssm('DeleteParameters', { Names: ['/b/a', '/gone'] });
    expect(deleted.value).toEqual({ DeletedParameters: ['/b/a'], InvalidParameters: ['/gone'] });
    expect(faultOf(() => bed.ask.ssm('DeleteParameter', { Name: '/b/a' }))).toMatch(/^ParameterNotFound/);
  });
});
