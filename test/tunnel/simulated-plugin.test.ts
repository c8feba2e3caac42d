import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { listen, SIMULATED } from './bed.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Wish {
  readonly streamUrl?: string;
  readonly endpoint?: string;
  readonly request?: object;
  readonly variable?: string;
}

async function run(...words: string[]) {
  return start(words, {});
}

async function start(words: readonly string[], env: Readonly<Record<string, string>>) {
  const [program = '', ...first] = SIMULATED;
  const child = spawn(program, [...first, ...words], { env: { ...process.env, ...env } });
  closers.push(() => child.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { said: await text(child.stdout), code: await ended };
}

async function handOver({ streamUrl, endpoint, request = {}, variable }: Wish) {
  const name = 'AWS_SSM_START_SESSION_RESPONSE_7';
  const StreamUrl = streamUrl ?? 'ws://127.0.0.1:9/v1/data-channel/s-1';
  const response = JSON.stringify({ SessionId: 's-1', TokenValue: 'secret', StreamUrl });
  const where = endpoint ?? 'http://127.0.0.1:9';
  return start([name, 'eu-west-1', 'StartSession', '', JSON.stringify(request), where], {
    [name]: variable ?? response,
  });
}

describe('the stand-in for the Session Manager plugin', () => {
  it('tells its version, and what it is to whom starts it by hand', async () => {
    expect(await run('--version')).toEqual({ said: '1.2.677.0\n', code: 0 });
    expect((await run()).said).toContain('stand-in');
  });

  it('does not go to a real AWS', async () => {
    const { said } = await handOver({ endpoint: 'https://ssm.eu-west-1.amazonaws.com' });
    expect(said).toBe(
      'Cannot perform start session: https://ssm.eu-west-1.amazonaws.com is not a simulated AWS of this machine\n',
    );
  });

  it('says that a simulated AWS of another process has no channel', async () => {
    const { said } = await handOver({ streamUrl: 'wss://ssmmessages.eu-west-1.amazonaws.com/v1/s-1' });
    expect(said).toContain(
      'Cannot perform start session: ssmmessages.eu-west-1.amazonaws.com is simulated within another process',
    );
  });

  it('needs the token that simulated AWS gave', async () => {
    const server = createServer((request, response) => {
      response.writeHead(request.headers.authorization === 'Bearer another' ? 200 : 403).end();
    });
    closers.push(() => server.close());
    const port = await listen(server);
    const { said, code } = await handOver({ streamUrl: `ws://127.0.0.1:${port}/v1/data-channel/s-1` });
    expect(said).toContain('channel refused with 403');
    expect(said).not.toContain('secret');
    // As the official one does, whatever happened.
    expect(code).toBe(0);
  });

  it('does not repeat what it cannot read', async () => {
    const { said } = await handOver({ variable: 'secret' });
    expect(said).toBe('Cannot perform start session: no JSON\n');
  });
});
