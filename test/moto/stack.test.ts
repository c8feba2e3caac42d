import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeSecurityGroupsCommand, DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import { DescribeServicesCommand, DescribeTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../controller/app/process/clock.ts';
import { createSimulator } from '../../controller/simulator/simulator.ts';
import { build, ROOT } from '../e2e/build.ts';
import { REGION, sdkClients } from '../simulator/clients.ts';
import { serveFront } from './front.ts';
import { MOTO_ACCOUNT } from './moto-subject.ts';
import { awsCliFolder, cfnLint } from './python-tool.ts';
import { startMoto } from './server.ts';

const TEMPLATE = 'deploy/cloudformation/bastion-operator.yaml';
const PATIENCE = { timeout: 30_000, interval: 200 };
const credentials = { accessKeyId: 'AKIAMOTO', secretAccessKey: 'moto' };
const run = promisify(execFile);

/** moto keeps what CloudFormation gives it as Python writes it. */
function documentOf(text = ''): unknown {
  return JSON.parse(decodeURIComponent(text).replaceAll("'", '"'));
}

it('the template breaks no rule of CloudFormation', () => {
  expect(execFileSync(cfnLint(), [join(ROOT, TEMPLATE)], { encoding: 'utf8' })).toBe('');
}, 240_000);

/** An account of its own, and the README's command. */
describe('the stack on moto', () => {
  const closers: (() => unknown)[] = [];
  let dir: string;
  let url: string;
  let motoUrl: string;
  let network: { vpcId: string; subnetIds: string[] };
  let clients: ReturnType<typeof sdkClients>;
  let dynamo: DynamoDBClient;

  beforeAll(async () => {
    await build();
    dir = await mkdtemp(join(tmpdir(), 'bastion-stack-'));
    closers.push(() => rm(dir, { recursive: true, force: true }));
    const moto = await startMoto({ MOTO_IAM_LOAD_MANAGED_POLICIES: 'true' });
    closers.push(() => moto.close());
    motoUrl = moto.url;
    const simulator = createSimulator({ clock: systemClock(), accountId: MOTO_ACCOUNT, region: REGION });
    const front = await serveFront({ motoUrl, simulator });
    closers.push(() => front.close());
    url = front.url;
    clients = sdkClients({ endpoint: motoUrl });
    dynamo = new DynamoDBClient({ endpoint: motoUrl, region: REGION, credentials });
    const { Subnets = [] } = await clients.ec2.send(new DescribeSubnetsCommand({}));
    const [first, second] = Subnets.map(({ SubnetId = '' }) => SubnetId);
    network = { vpcId: Subnets[0]?.VpcId ?? '', subnetIds: [first ?? '', second ?? ''] };
  }, 240_000);
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
  });

  const env = () => ({
    PATH: [awsCliFolder(), process.env['PATH']].filter((one) => one !== undefined).join(delimiter),
    HOME: process.env['HOME'] ?? dir,
    AWS_ENDPOINT_URL: motoUrl,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_CONFIG_FILE: join(dir, 'none'),
  });

  function start(script: string, flags: readonly string[]) {
    const own = { PATH: process.env['PATH'] ?? '', HOME: dir, TMPDIR: dir };
    const child: ChildProcess = spawn(process.execPath, [join(ROOT, 'dist', script), ...flags], {
      env: own,
      cwd: dir,
    });
    closers.push(() => child.kill('SIGKILL'));
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
    }
    const ended = new Promise<number | string>((done) =>
      child.once('close', (code, signal) => done(code ?? signal ?? 'unknown')),
    );
    return { child, ended, text: () => text };
  }

  const bastionctl = async (...words: readonly string[]) => {
    const at = ['--aws', url, '--region', REGION, '--table', 'bastion-operator'];
    const one = start('bastionctl.js', [...words, ...at]);
    return { code: await one.ended, text: one.text() };
  };

  const commandOf = async (): Promise<readonly string[]> => {
    const { taskDefinition } = await clients.ecs.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: 'bastion-controller' }),
    );
    return taskDefinition?.containerDefinitions?.[0]?.command ?? [];
  };

  it('is created by the command of its README', async () => {
    const readme = await readFile(join(ROOT, 'deploy/cloudformation/README.md'), 'utf8');
    const [, command = ''] = /```sh\n(aws cloudformation deploy[\s\S]*?)```/.exec(readme) ?? [];
    const own = command
      .replace(/VpcId=\S+/, `VpcId=${network.vpcId}`)
      .replace(/SubnetIds=\S+/, `SubnetIds=${network.subnetIds.join(',')}`);
    const { stdout } = await run('sh', ['-c', own], { cwd: ROOT, env: env() });
    expect(stdout).toContain('Successfully created/updated stack - bastion-operator');
  }, 120_000);

  it('holds a protected table', async () => {
    const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: 'bastion-operator' }));
    expect(Table).toMatchObject({
      DeletionProtectionEnabled: true,
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    });
  });

  it('gives the controller its policy and the boundary theirs, as they stand in deploy/iam', async () => {
    const { iam } = clients;
    const RoleName = 'bastion-operator-controller';
    const { PolicyDocument } = await iam.send(
      new GetRolePolicyCommand({ RoleName, PolicyName: 'controller-policy' }),
    );
    const textOf = (name: string) => readFile(join(ROOT, 'deploy/iam', name), 'utf8');
    expect(documentOf(PolicyDocument)).toEqual(JSON.parse(await textOf('controller-policy.json')));
    const PolicyArn = `arn:aws:iam::${MOTO_ACCOUNT}:policy/bastion-boundary`;
    const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
    const { PolicyVersion } = await iam.send(
      new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId ?? 'v1' }),
    );
    expect(documentOf(PolicyVersion?.Document)).toEqual(JSON.parse(await textOf('boundary-policy.json')));
    const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
    expect(Role?.Path).toBe('/');
  });

  it('asks for two controllers, which read the git source', async () => {
    const { services } = await clients.ecs.send(
      new DescribeServicesCommand({ cluster: 'bastion-controller', services: ['bastion-controller'] }),
    );
    expect(services?.[0]).toMatchObject({ desiredCount: 2 });
    expect(await commandOf()).toContain('--git=https://git.example.com/platform/bastions.git#main:bastions');
  });

  it('holds what the controller runs on: its very command leads on the table, and begins to open a Bastion', async () => {
    const command = (await commandOf()).filter((flag) => !/^--(aws|git)=/.test(flag));
    const local = ['--aws', url, '--listen', 'none', '--metrics-listen', 'none', '--lease', '4s'];
    const controller = start('main.js', [...command, ...local, '--data-dir', join(dir, 'data')]);
    await expect.poll(controller.text, PATIENCE).toContain('"message":"leading"');
    const manifest = join(dir, 'orders.json');
    await writeFile(
      manifest,
      JSON.stringify({
        ...{ apiVersion: 'bastion-operator.dev/v1alpha1', kind: 'Bastion', metadata: { name: 'orders' } },
        spec: { ttl: '1h', network: { ...network, path: 'Endpoints' } },
      }),
    );
    expect(await bastionctl('apply', '-f', manifest)).toMatchObject({ code: 0 });
    const groups = async () => {
      const { SecurityGroups = [] } = await clients.ec2.send(new DescribeSecurityGroupsCommand({}));
      return SecurityGroups.flatMap(({ GroupName = '' }) =>
        /bastion-default/.test(GroupName) ? [GroupName] : [],
      );
    };
    await expect.poll(async () => (await groups()).length, PATIENCE).toBeGreaterThan(0);
    await expect
      .poll(async () => (await bastionctl('get', 'bastions')).text, PATIENCE)
      .toContain('Provisioning');
    controller.child.kill('SIGTERM');
    expect(await controller.ended).toBe(0);
  }, 180_000);

  it('goes without its table', async () => {
    await run('aws', ['cloudformation', 'delete-stack', '--stack-name', 'bastion-operator'], { env: env() });
    await expect(
      clients.iam.send(new GetRoleCommand({ RoleName: 'bastion-operator-controller' })),
    ).rejects.toThrow();
    const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: 'bastion-operator' }));
    expect(Table?.TableStatus).toBe('ACTIVE');
  });
});
