import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateSecurityGroupCommand, DeleteSecurityGroupCommand } from '@aws-sdk/client-ec2';
import {
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListRolesCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
} from '@aws-sdk/client-iam';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../controller/app/process/clock.ts';
import { TAG, upper } from '../../controller/aws/tags.ts';
import { TRUST_TAG } from '../../controller/core/foundation-objects.ts';
import { rememberScope } from '../../controller/reconcile/scopes.ts';
import { createSimulator } from '../../controller/simulator/simulator.ts';
import { openRealTable } from '../../controller/store/real-table.ts';
import { build, ROOT } from '../e2e/build.ts';
import { REGION, sdkClients } from '../simulator/clients.ts';
import { serveFront } from './front.ts';
import { MOTO_ACCOUNT } from './moto-subject.ts';
import { startMoto } from './server.ts';

const PATIENCE = { timeout: 30_000, interval: 200 };
const credentials = { accessKeyId: 'AKIAMOTO', secretAccessKey: 'moto' };
const ROLE = 'bastion-operator-controller';
const POLICY = 'controller-policy';
const CONTROLLER = ['--listen', 'none', '--lease', '4s', '--table', 'bastion-operator'];

/** An account of its own, empty, and the programs as people run them. */
describe('an installation on moto', () => {
  const children = new Set<ChildProcess>();
  const closers: (() => unknown)[] = [];
  let dir: string;
  let url: string;
  let dynamo: DynamoDBClient;
  let clients: ReturnType<typeof sdkClients>;

  beforeAll(async () => {
    await build();
    dir = await mkdtemp(join(tmpdir(), 'bastion-install-'));
    closers.push(() => rm(dir, { recursive: true, force: true }));
    const moto = await startMoto({ MOTO_IAM_LOAD_MANAGED_POLICIES: 'true' });
    closers.push(() => moto.close());
    const simulator = createSimulator({ clock: systemClock(), accountId: MOTO_ACCOUNT, region: REGION });
    const front = await serveFront({ motoUrl: moto.url, simulator });
    closers.push(() => front.close());
    url = front.url;
    dynamo = new DynamoDBClient({ endpoint: url, region: REGION, credentials });
    clients = sdkClients({ endpoint: url });
  }, 240_000);
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
  });
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
  });

  function start(script: string, ...flags: readonly string[]) {
    const env = { PATH: process.env['PATH'] ?? '', HOME: dir, TMPDIR: dir };
    const command = [join(ROOT, 'dist', script), ...flags, '--aws', url, '--region', REGION];
    const child = spawn(process.execPath, command, { env, cwd: dir });
    children.add(child);
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        text[name] += chunk;
      });
    }
    const ended = new Promise<number | string>((done) =>
      child.once('close', (code, signal) => done(code ?? signal ?? 'unknown')),
    );
    return { child, ended, out: () => text.stdout, err: () => text.stderr };
  }

  async function run(...words: readonly string[]) {
    const one = start('bastionctl.js', ...words);
    const code = await one.ended;
    return { code, out: one.out(), err: one.err() };
  }

  async function apply(...words: readonly string[]) {
    const { code, out, err } = await run('install', '--apply', ...words);
    expect([code, err]).toEqual([0, expect.not.stringContaining('error')]);
    return out;
  }

  const roles = async () =>
    ((await clients.iam.send(new ListRolesCommand({}))).Roles ?? []).map(({ RoleName }) => RoleName).sort();

  it('plans without doing anything', async () => {
    const { code, out } = await run('install');
    expect(out).toContain('Plan: 4 to create.');
    expect([code, await roles()]).toEqual([0, []]);
    expect((await dynamo.send(new ListTablesCommand({}))).TableNames).toEqual([]);
    expect((await run('get', 'bastions', '--table', 'bastion-operator')).err).toContain(
      `error: table bastion-operator does not exist in ${REGION}; this makes it: bastionctl install --apply --aws=${url}`,
    );
  });

  it('makes a protected table and the roles, and the second time nothing', async () => {
    expect(await apply()).toMatch(/^table\/bastion-operator created\npolicy\/bastion-boundary created\n/);
    const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: 'bastion-operator' }));
    expect(Table).toMatchObject({
      DeletionProtectionEnabled: true,
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    });
    const { ContinuousBackupsDescription } = await dynamo.send(
      new DescribeContinuousBackupsCommand({ TableName: 'bastion-operator' }),
    );
    expect(ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus).toBe(
      'ENABLED',
    );
    expect(await roles()).toEqual([ROLE, `${ROLE}-execution`]);
    expect(await apply()).toContain(`role/${ROLE} unchanged\n`);
    expect((await run('install')).out).toContain('Plan: 4 unchanged.');
  });

  it('finds what somebody changed, and repairs it', async () => {
    const { iam } = clients;
    const wide = {
      Version: '2012-10-17',
      Statement: [{ Sid: 'All', Effect: 'Allow', Action: '*', Resource: '*' }],
    };
    const policy = { RoleName: ROLE, PolicyName: POLICY };
    const before = await iam.send(new GetRolePolicyCommand(policy));
    await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: JSON.stringify(wide) }));
    await iam.send(
      new PutRolePolicyCommand({ ...policy, PolicyName: 'own', PolicyDocument: JSON.stringify(wide) }),
    );
    await dynamo.send(
      new UpdateTableCommand({ TableName: 'bastion-operator', DeletionProtectionEnabled: false }),
    );
    const { out } = await run('install');
    expect(out).toContain('DeletionProtection: false -> true');
    expect(out).toMatch(new RegExp(`Policies.${POLICY}: .*missing; All to go`));
    expect(out).toContain('somebody added Policies.own, which is left alone');
    await apply();
    expect((await iam.send(new GetRolePolicyCommand(policy))).PolicyDocument).toBe(before.PolicyDocument);
    await iam.send(new DeleteRolePolicyCommand({ ...policy, PolicyName: 'own' }));
    expect((await run('install')).out).toContain('Plan: 4 unchanged.');
  });

  it('remembers whom the role was made for', async () => {
    await apply('--trust', 'ecs-tasks.amazonaws.com', '--trust', 'pods.eks.amazonaws.com');
    expect((await run('install')).out).toContain('Plan: 4 unchanged.');
    const { Role } = await clients.iam.send(new GetRoleCommand({ RoleName: ROLE }));
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')).toContain('pods.eks.amazonaws.com');
    // Who may tag the role must not decide for everybody.
    const tag = (Value: string) =>
      clients.iam.send(new TagRoleCommand({ RoleName: ROLE, Tags: [{ Key: TRUST_TAG, Value }] }));
    await tag('*');
    expect((await run('install', '--apply')).err).toContain('error: --trust: found "*", allowed: ');
    // ECS's role is of no use then; uninstall knows it all the same.
    expect(await apply('--trust', 'pods.eks.amazonaws.com')).not.toContain('execution');
    expect((await run('install')).out).toContain('Plan: 3 unchanged.');
    expect((await run('uninstall')).out).toContain(`- role/${ROLE}-execution`);
  });

  it('does not go while a controller leads, and says which', async () => {
    const controller = start('main.js', ...CONTROLLER, '--data-dir', join(dir, 'data'));
    await expect.poll(controller.err, PATIENCE).toContain('leading');
    const refused = await run('uninstall', '--apply');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(
      /error: nothing is taken away while something is alive:\n {2}controller \S+ leads on/,
    );
    controller.child.kill('SIGTERM');
    expect(await controller.ended).toBe(0);
    expect(await roles()).toContain(ROLE);
  });

  it('does not go while one that was killed may still lead, but does not wait for it forever', async () => {
    const controller = start('main.js', ...CONTROLLER, '--data-dir', join(dir, 'data'));
    await expect.poll(controller.err, PATIENCE).toContain('leading');
    controller.child.kill('SIGKILL');
    await controller.ended;
    const { code, err } = await run('uninstall');
    expect(err).toMatch(/controller \S+ led last: waiting to see whether it still does/);
    expect(code).toBe(0);
  });

  it('does not go while there is a Bastion, a resource of ours, or an account it cannot look at', async () => {
    const clock = systemClock();
    const connection = { endpoint: url, credentials };
    const { store, close } = await openRealTable({
      connection,
      region: REGION,
      table: 'bastion-operator',
      clock,
      newId: randomUUID,
    });
    await rememberScope(store, clock, { accountId: '444455556666', region: 'eu-west-1' });
    await close();
    const tags = { [TAG.installation]: 'default', [TAG.key]: 'security-group/endpoints/vpc-1' };
    const TagSpecifications = [{ ResourceType: 'security-group' as const, Tags: upper(tags) }];
    const { GroupId } = await clients.ec2.send(
      new CreateSecurityGroupCommand({ GroupName: 'left-over', Description: 'left over', TagSpecifications }),
    );
    const manifest = join(ROOT, 'examples/minimal.yaml');
    expect((await run('apply', '-f', manifest, '--table', 'bastion-operator')).code).toBe(0);
    const { code, err } = await run('uninstall', '--apply', '--delete-table');
    expect(code).toBe(1);
    expect(err).toMatch(/\n {2}bastion default\/minimal is Pending\n/);
    expect(err).toContain(`security-group/endpoints/vpc-1 (${GroupId}) in ${REGION}`);
    expect(err).toContain('account 444455556666 has held resources in eu-west-1');
    expect(err).toContain('hint: delete the Bastions while a controller still runs');
    expect(await roles()).toContain(ROLE);
    await clients.ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    // As the hint says: a controller takes away what was there.
    const controller = start('main.js', ...CONTROLLER, '--data-dir', join(dir, 'data'));
    const [, flags = ''] = /hint: .*: bastionctl (.*) --aws=/.exec(err) ?? [];
    expect((await run(...flags.split(' '), '--table', 'bastion-operator')).code).toBe(0);
    controller.child.kill('SIGTERM');
    expect(await controller.ended).toBe(0);
  });

  it('goes when nothing is alive, the table last and only when it is told to', async () => {
    const skip = ['--skip-account', '444455556666'];
    const { code, out, err } = await run('uninstall', '--apply', ...skip);
    expect([code, err]).toEqual([0, expect.not.stringContaining('error')]);
    expect(out).toContain(`role/${ROLE} deleted\n`);
    expect(await roles()).toEqual([]);
    expect((await dynamo.send(new ListTablesCommand({}))).TableNames).toEqual(['bastion-operator']);
    expect((await run('uninstall', '--apply', '--delete-table', ...skip)).out).toContain(
      'table/bastion-operator deleted\n',
    );
    expect((await dynamo.send(new ListTablesCommand({}))).TableNames).toEqual([]);
    expect((await run('uninstall')).out).toContain('Plan: 4 gone already.');
  });
});
