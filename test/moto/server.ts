import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WANTED = 'moto[server]==5.2.*';
const VENV = fileURLToPath(new URL('../../.venv-moto', import.meta.url));
const VENV_PYTHON = join(VENV, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
const HAS_MOTO =
  'import moto, moto.server; raise SystemExit(0 if moto.__version__.startswith("5.2.") else 1)';
/** Ends with this process, however that ends: the system then closes the pipe that the server reads from. */
const SERVE = `
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(['-H', '127.0.0.1', '-p', '0'])
`;
const START_MS = 60_000;
const POLL_MS = 100;

/** Runs moto for the whole test run. @returns what stops it */
export default async function setup(): Promise<() => Promise<void>> {
  const { url, close } = await startMoto({ MOTO_IAM_LOAD_MANAGED_POLICIES: 'true' });
  try {
    await keepTasksRunning(url);
  } catch (error) {
    await close();
    throw error;
  }
  process.env['MOTO_URL'] = url;
  return close;
}

/** A moto server of one's own, on a port that the system chooses. */
export async function startMoto(
  settings: Readonly<Record<string, string>> = {},
): Promise<{ url: string; close: () => Promise<void> }> {
  const python = pythonWithMoto();
  const server = spawn(python, ['-u', '-c', SERVE], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...settings },
  });
  try {
    const url = await addressOf(server, python);
    await untilReady(url, server);
    return { url, close: () => stop(server) };
  } catch (error) {
    await stop(server);
    throw error;
  }
}

/** @throws what to install, when there is nothing to run moto with */
function pythonWithMoto(): string {
  if (runs('python3', ['-c', HAS_MOTO])) return 'python3';
  if (existsSync(VENV_PYTHON) && runs(VENV_PYTHON, ['-c', HAS_MOTO])) return VENV_PYTHON;
  if (!runs('python3', ['--version'])) {
    throw new Error(
      'test:moto needs Python: python3 was not found. Install Python 3.10 or newer, then run it again.',
    );
  }
  try {
    execFileSync('python3', ['-m', 'venv', VENV], { stdio: ['ignore', 'ignore', 'pipe'] });
    execFileSync(VENV_PYTHON, ['-m', 'pip', 'install', '--quiet', WANTED], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new Error(
      `test:moto could not install ${WANTED} into .venv-moto: ${said.slice(-600)}\n` +
        `Install it by hand (python3 -m pip install "${WANTED}"), or remove .venv-moto and run it again.`,
    );
  }
  return VENV_PYTHON;
}

function runs(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The server says where it listens; nobody else knows, since the port is the system's choice. */
function addressOf(server: ChildProcess, python: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const read = (chunk: Buffer) => {
      // Once known, the rest is only drained: one line per request would fill the pipe and stop the server.
      if (said.length < 10_000) said += chunk.toString();
      const found = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(said);
      if (found?.[1]) resolve(found[1]);
    };
    server.stdout?.on('data', read);
    server.stderr?.on('data', read);
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`${python} -m moto.server ended with ${code}: ${said}`)));
    setTimeout(
      () => reject(new Error(`the moto server did not say where it listens: ${said}`)),
      START_MS,
    ).unref();
  });
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  const end = Date.now() + START_MS;
  while (Date.now() < end && server.exitCode === null) {
    const answered = await fetch(`${url}/moto-api/`).then(
      (reply) => reply.ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`the moto server at ${url} was not ready within ${START_MS / 1000} s`);
}

/** See the gap looking-ends-tasks. */
async function keepTasksRunning(url: string): Promise<void> {
  const transition = { progression: 'manual', times: Number.MAX_SAFE_INTEGER };
  const body = JSON.stringify({ model_name: 'ecs::task', transition });
  const { ok, status } = await fetch(`${url}/moto-api/state-manager/set-transition`, {
    method: 'POST',
    body,
  });
  if (!ok) throw new Error(`moto refused to hold tasks in their state: HTTP ${status}`);
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  server.kill('SIGTERM');
  const patience = setTimeout(() => server.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(patience);
}
