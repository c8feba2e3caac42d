import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { systemClock } from '../../controller/app/process/clock.ts';
import { seedOrdinaryVpc } from '../../controller/simulator/seed.ts';
import { createSimulator, type Simulator } from '../../controller/simulator/simulator.ts';
import { ROOT } from '../e2e/build.ts';
import { sendTo } from './http.ts';
import { awsCliFolder } from './python-tool.ts';
import { startMoto } from './server.ts';

const REGION = 'ap-northeast-1';
const ACCOUNT = '123456789012';
const LONGEST_SCRIPT_MS = 150_000;
/** As quick as a person who tries commands would like AWS to be. */
const LATENCIES = {
  ...{ interfaceEndpointMs: 1_000, gatewayEndpointMs: 500, endpointDeleteMs: 500, privateDnsLingerMs: 0 },
  ...{ iamPropagationMs: 500, taskProvisionMs: 50, taskPullMs: 50, taskActivateMs: 50, agentConnectMs: 50 },
  ...{ taskStopMs: 50, taskDeprovisionMs: 50 },
};

export interface OperationsBed {
  readonly simulator: Simulator;
  /** Where the commands are run. */
  readonly dir: string;
  /** Runs shell commands as a person would. @returns what they said. @throws when one of them fails */
  readonly sh: (script: string) => Promise<string>;
  /** As the service's desired count does. */
  readonly scale: (count: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** An account with tables on moto and all else simulated, a repository, and controllers that a service of ECS starts and stops. */
export async function openOperationsBed(): Promise<OperationsBed> {
  const dir = mkdtempSync(join(tmpdir(), 'bastion-operations-'));
  const moto = await startMoto();
  const simulator = createSimulator({
    ...{ clock: systemClock(), accountId: ACCOUNT, region: REGION, latencies: LATENCIES },
    seed: ({ ec2 }) => seedOrdinaryVpc(ec2),
  });
  const service: { child?: ChildProcess; count: number } = { count: 0 };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const repository = createRepository(dir);
  const env = environmentIn(dir, url);
  const here = (script: string) =>
    script
      .replaceAll('--aws=real', `--aws=${url}`)
      .replaceAll('https://git.example.com/platform/bastions.git', repository);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, `${value}`]),
    );
    const target = headers['x-amz-target'] ?? '';
    const scaled = await answerService(target, body);
    if (scaled)
      return void response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(scaled);
    const sent = { method, path, headers, body };
    const given = target.startsWith('DynamoDB_') ? await sendTo(moto.url, sent) : simulator.handle(sent);
    const { 'content-length': _, ...said } = given.headers as Record<string, string>;
    response.writeHead(given.status, said).end(given.body);
  }

  /** The service of the controllers themselves, which neither moto nor the simulator would run. */
  async function answerService(target: string, body: string): Promise<string | undefined> {
    const operation = /^AmazonEC2ContainerServiceV20141113\.(UpdateService|DescribeServices)$/.exec(
      target,
    )?.[1];
    if (operation === undefined) return undefined;
    if (operation === 'UpdateService') await scale(Number(JSON.parse(body).desiredCount));
    const counts = { desiredCount: service.count, runningCount: service.count, pendingCount: 0 };
    const described = {
      serviceName: 'bastion-controller',
      status: 'ACTIVE',
      deployments: [counts],
      ...counts,
    };
    return JSON.stringify(
      operation === 'UpdateService' ? { service: described } : { services: [described], failures: [] },
    );
  }

  async function scale(count: number): Promise<void> {
    service.count = count;
    const running = service.child;
    if (count === 0 && running) {
      const ended = once(running, 'close');
      running.kill('SIGTERM');
      await ended;
      delete service.child;
    } else if (count > 0 && !running) {
      const place = ['--aws', url, '--region', REGION, '--table', 'bastion-operator', '--listen', 'none'];
      const flags = [
        ...place,
        '--lease',
        '4s',
        '--git',
        `${repository}#main:bastions`,
        '--git-poll',
        '* * * * * *',
      ];
      service.child = spawn(process.execPath, [join(ROOT, 'dist/main.js'), ...flags], {
        ...{ env, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] },
      });
      service.child.stderr?.resume();
    }
  }

  return {
    ...{ simulator, dir, scale },
    sh: (script) => runShell(here(script), { dir, env }),
    async close() {
      service.child?.kill('SIGKILL');
      server.closeAllConnections();
      server.close();
      await moto.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The programs under the names that people call them by. */
function environmentIn(dir: string, url: string): Record<string, string> {
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  for (const [name, script] of [
    ['bastionctl', 'bastionctl.js'],
    ['bastion-controller', 'main.js'],
  ] as const) {
    const text = `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'dist', script)}' "$@"\n`;
    writeFileSync(join(bin, name), text, { mode: 0o755 });
  }
  const PATH = [bin, awsCliFolder(), process.env['PATH']].filter((one) => one !== undefined).join(delimiter);
  return {
    ...{
      PATH,
      HOME: dir,
      TMPDIR: dir,
      AWS_ENDPOINT_URL: url,
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
    },
    ...{ AWS_ACCESS_KEY_ID: 'AKIASIMULATED', AWS_SECRET_ACCESS_KEY: 'simulated', AWS_PAGER: '' },
    ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'Alice', GIT_AUTHOR_EMAIL: 'alice@example.com' },
    ...{ GIT_COMMITTER_NAME: 'Alice', GIT_COMMITTER_EMAIL: 'alice@example.com' },
  };
}

/** With another manifest in it, so that it is not empty without ours. */
function createRepository(dir: string): string {
  const [bare, work] = [join(dir, 'bastions.git'), join(dir, 'seed')];
  const git = (...args: string[]) =>
    execFileSync('git', args, { stdio: 'ignore', env: { ...process.env, HOME: dir } });
  git('init', '--quiet', '--bare', '--initial-branch=main', bare);
  git('clone', '--quiet', bare, work);
  mkdirSync(join(work, 'bastions'));
  writeFileSync(join(work, 'bastions', 'README.md'), 'Manifests of our Bastions.\n');
  git('-C', work, 'add', '.');
  git('-C', work, '-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '--quiet', '-m', 'Begin');
  git('-C', work, 'push', '--quiet', 'origin', 'HEAD:main');
  return bare;
}

async function runShell(
  script: string,
  { dir, env }: { readonly dir: string; readonly env: Record<string, string> },
): Promise<string> {
  const shell = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    env,
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LONGEST_SCRIPT_MS,
  });
  const said: Buffer[] = [];
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
  const [code] = await once(shell, 'close');
  const text = Buffer.concat(said).toString();
  if (code !== 0) throw new Error(`the commands ended with ${code}:\n${script}\n${text}`);
  return text;
}
