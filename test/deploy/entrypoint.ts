import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const SOURCE = fileURLToPath(new URL('../../deploy/bastion-image/entrypoint', import.meta.url));
const STAND_IN = fileURLToPath(new URL('./stand-ins/amazon-ssm-agent', import.meta.url));
const PATIENCE_MS = 20_000;

export const CODE = 'aVerySecretCode00001';
export const NODE = 'mi-0123456789abcdef0';
export const ACTIVATION = '11111111-2222-3333-4444-555555555555';

/** Go builds the entrypoint; where there is none, nothing of this can run. */
export function hasGo(): boolean {
  return spawnSync('go', ['version']).status === 0;
}

export type Behaviour = 'live' | 'refuse' | 'hang' | 'crash' | 'deaf';

/** The real entrypoint, with a stand-in where the image has the agent. */
export class EntrypointBed {
  readonly folder = mkdtempSync(join(tmpdir(), 'bastion-image-'));
  readonly #children: ChildProcess[] = [];

  build(): void {
    const values = {
      agentPath: this.path('agent'),
      stateDir: this.folder,
      agentGrace: '500ms',
      farewellBudget: '1500ms',
    };
    const flags = Object.entries(values).map(([name, value]) => `-X main.${name}=${value}`);
    const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' };
    execFileSync('go', ['build', '-ldflags', flags.join(' '), '-o', this.path('entrypoint'), '.'], {
      cwd: SOURCE,
      env,
    });
    copyFileSync(STAND_IN, this.path('agent'));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  start(behaviour: Behaviour, environment: Readonly<Record<string, string>>): Running {
    const left = [
      'behaviour',
      'environment',
      'registration',
      'registration-argv',
      'told',
      'running',
      'worker',
    ];
    for (const name of left) rmSync(this.path(name), { force: true });
    writeFileSync(this.path('behaviour'), behaviour);
    const child = spawn(this.path('entrypoint'), { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    return running(child);
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Running {
  readonly pid: number;
  output(): string;
  terminate(): void;
  /** Resolves with the exit code; null means killed by a signal. */
  readonly ended: Promise<number | null>;
}

function running(child: ChildProcess): Running {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    pid: child.pid ?? 0,
    output: () => output,
    terminate: () => void child.kill('SIGTERM'),
    ended: new Promise((resolve) => child.once('close', resolve)),
  };
}

/** Bounded: a real process is at the other end. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface Call {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly authorization: string;
}

export interface FakeAws {
  readonly calls: Call[];
  /** Operation -> error code it is refused with. */
  readonly refusals: Map<string, string>;
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Systems Manager, and the endpoint that hands out a task role's credentials. */
export async function serveAws(): Promise<FakeAws> {
  const calls: Call[] = [];
  const refusals = new Map<string, string>();
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.end(
        JSON.stringify({ AccessKeyId: 'ASIATASK', SecretAccessKey: 'taskSecret', Token: 'taskToken' }),
      );
      return;
    }
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const operation = String(request.headers['x-amz-target']).replace('AmazonSSM.', '');
    calls.push({ operation, input: JSON.parse(body), authorization: request.headers.authorization ?? '' });
    const refusal = refusals.get(operation);
    if (refusal !== undefined) {
      response.writeHead(400).end(JSON.stringify({ __type: refusal, message: 'said by the test' }));
      return;
    }
    const made = { ActivationId: ACTIVATION, ActivationCode: CODE };
    response.end(JSON.stringify(operation === 'CreateActivation' ? made : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    calls,
    refusals,
    environment: {
      AWS_ENDPOINT_URL_SSM: url,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v2/credentials/secret-path`,
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
