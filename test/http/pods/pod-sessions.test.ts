import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Bastion } from '../../../controller/api/bastion.ts';
import { SessionError } from '../../../controller/api/session.ts';
import { systemClock } from '../../../controller/app/process/clock.ts';
import { sample } from '../../api/sample.ts';
import { createFakeTunnels, type FakeTunnels } from '../fake-tunnels.ts';
import { createRig, type Rig } from '../rig.ts';
import { openSpdy } from '../wire/spdy-client.ts';

const PODS = '/api/v1/namespaces/default/pods';
const FORWARD = `${PODS}/orders/portforward`;
const ARN = 'arn:aws:ecs:ap-northeast-1:111122223333:task/bastion-test/0123456789abcdef0123456789abcdef';
const TARGETS = [
  { name: 'orders', host: 'orders.internal', port: 5432 },
  { name: 'a-name-that-is-no-port-name', host: 'reports.internal', port: 5432 },
];

interface Bench extends Rig {
  readonly tunnels: FakeTunnels;
}

async function start(options: Parameters<typeof createRig>[0] = {}): Promise<Bench> {
  const echo = createServer(
    { allowHalfOpen: true },
    (socket) => void socket.on('error', () => {}).pipe(socket),
  );
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const tunnels = createFakeTunnels({ 'orders.internal:5432': (echo.address() as AddressInfo).port });
  const rig = await createRig({ tunnels, clock: systemClock(), ...options });
  onTestFinished(async () => {
    await rig.close();
    echo.close();
    expect(rig.failures).toEqual([]);
    expect(tunnels.open.size).toBe(0);
  });
  const { api } = options.api ? { api: options.api } : rig;
  const bastion = await api.bastions.create(
    sample({ targets: TARGETS }, { name: 'orders', namespace: 'default' }),
  );
  const resources = [{ kind: 'task', key: 'task/default/orders', id: ARN, state: 'Ready' }];
  const status = { phase: 'Ready', sessionTarget: 'ecs:cluster_task_runtime', resources };
  await api.bastions.updateStatus({ ...bastion, status } as Bastion);
  return { ...rig, tunnels };
}

/** Everything that the server says to bytes as they stand, until it closes. */
async function raw(url: string, text: string): Promise<string> {
  const socket = open(url);
  socket.write(text);
  return readAll(socket);
}

function open(url: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return text;
}

function upgrade(path: string, headers: readonly string[] = [], method = 'POST'): string {
  const spdy = ['Connection: Upgrade', 'Upgrade: SPDY/3.1', 'X-Stream-Protocol-Version: portforward.k8s.io'];
  return `${[`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...spdy, ...headers].join('\r\n')}\r\n\r\n`;
}

interface Talk {
  readonly socket: WebSocket;
  readonly texts: Record<number, string>;
  readonly closed: Promise<unknown>;
}

async function exec(url: string, query: string, protocol = 'v5.channel.k8s.io', headers = {}): Promise<Talk> {
  const at = `${url.replace('http', 'ws')}${PODS}/orders/exec?${query}`;
  const socket = new WebSocket(at, [protocol], { headers });
  const texts: Record<number, string> = {};
  socket.on('message', (message: Buffer) => {
    const channel = message[0] ?? -1;
    texts[channel] = (texts[channel] ?? '') + message.subarray(1).toString();
  });
  const closed = once(socket, 'close');
  await once(socket, 'open');
  return { socket, texts, closed };
}

async function refusal(url: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, ['v5.channel.k8s.io'], { headers });
  const [request, response] = await once(
    socket.on('error', () => {}),
    'unexpected-response',
  );
  request.destroy();
  return response.statusCode;
}

const EXEC = `${PODS}/orders/exec?command=true&stdout=true`;
const COMMAND = 'stdout=true&stderr=true&command=sh&command=-c';

describe('exec', () => {
  it('keeps the streams apart, and tells the exit code last', async () => {
    const { url } = await start();
    const { texts, closed } = await exec(url, `${COMMAND}&command=echo+out;+echo+err+>%262;+exit+3`);
    await closed;
    expect([texts[1], texts[2]]).toEqual(['out\n', 'err\n']);
    expect(JSON.parse(texts[3] ?? '')).toMatchObject({
      ...{ status: 'Failure', reason: 'NonZeroExitCode' },
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
  });

  it('passes input on until its channel is closed, and drops the size of the terminal', async () => {
    const { url } = await start();
    const { socket, texts, closed } = await exec(url, 'stdin=true&stdout=true&tty=true&command=cat');
    socket.send(Buffer.from('\u0004{"Width":80,"Height":24}'));
    socket.send(Buffer.from('\u0000hello'));
    socket.send(Buffer.of(255, 0));
    await closed;
    expect(texts[1]).toBe('hello');
    expect(JSON.parse(texts[3] ?? '')).toMatchObject({ status: 'Success' });
  });

  it('ends the session when the client goes', async () => {
    const { url, tunnels } = await start();
    const { socket } = await exec(url, 'stdout=true&command=sleep&command=100', 'v4.channel.k8s.io');
    expect(tunnels.open.size).toBe(1);
    socket.terminate();
    await vi.waitFor(() => expect(tunnels.open.size).toBe(0));
  });

  it('ends the session when the server closes', async () => {
    const { url, tunnels, close } = await start();
    const { closed } = await exec(url, 'stdout=true&command=sleep&command=100');
    await close();
    await closed;
    expect(tunnels.open.size).toBe(0);
  });

  it('bears messages that mean nothing', async () => {
    const { url } = await start();
    const { socket, closed, texts } = await exec(url, 'stdin=true&stdout=true&command=cat');
    for (const bytes of [[], [9, 1], [255], [255, 7], [3, 3], [1]]) socket.send(Buffer.from(bytes));
    socket.send('text');
    socket.send(Buffer.of(255, 0));
    socket.send(Buffer.of(0, 65));
    socket.send(Buffer.of(255, 0));
    await closed;
    expect(JSON.parse(texts[3] ?? '')).toMatchObject({ status: 'Success' });
  });

  it('closes at a message that is too long', async () => {
    const { url, tunnels } = await start();
    const { socket, closed } = await exec(url, 'stdin=true&stdout=true&command=cat');
    socket.on('error', () => {}).send(Buffer.alloc(5 * 1024 * 1024));
    await closed;
    await vi.waitFor(() => expect(tunnels.open.size).toBe(0));
  });

  it('answers what keeps a session from being opened, before there is one', async () => {
    const { call, url, tunnels } = await start();
    tunnels.failNext(new SessionError('SessionLimit', 'there are too many sessions', 'end one'));
    expect(await refusal(url, EXEC)).toBe(429);
    expect(await refusal(url, `${PODS}/other/exec?command=ls&stdout=true`)).toBe(404);
    expect(await refusal(url, `${PODS}/orders/exec?stdout=true`)).toBe(400);
    expect((await call('POST', EXEC)).json).toMatchObject({ code: 400, message: 'Upgrade request required' });
    expect((await call('POST', `${PODS}/orders/attach`)).json).toMatchObject({ code: 405 });
  });
});

describe('a server that closes', () => {
  it('waits for no client that takes nothing', async () => {
    const { url, tunnels, close } = await start();
    const { socket } = await exec(url, 'stdout=true&command=cat&command=/dev/zero');
    socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await close();
    expect(tunnels.open.size).toBe(0);
  });

  it('does not wait for ever for a session that cannot be ended', async () => {
    const tunnels = createFakeTunnels();
    const never = new Promise<never>(() => {});
    const openStreams: FakeTunnels['openStreams'] = async (request, signal) => {
      const { close, ...session } = await tunnels.openStreams(request, signal);
      await close();
      return { ...session, ended: never, close: () => never };
    };
    const { url, close } = await start({
      tunnels: { ...tunnels, openStreams },
      clock: systemClock(10),
    });
    const { closed } = await exec(url, 'stdout=true&command=sleep&command=100');
    await close();
    await closed;
  });
});

describe('who may open a session', () => {
  it('is no page of another site, and no name that points here', async () => {
    const { url, tunnels } = await start();
    expect(await refusal(url, EXEC, { Origin: 'http://evil.example' })).toBe(403);
    expect(await refusal(url, EXEC, { Origin: 'null' })).toBe(403);
    expect(await refusal(url, EXEC, { Host: 'evil.example' })).toBe(403);
    expect(tunnels.opened).toEqual([]);
  });

  it('has the token', async () => {
    const { url, tunnels } = await start({ tokens: [{ token: 'a-token', user: 'ann' }] });
    expect(await refusal(url, EXEC)).toBe(401);
    expect(await raw(url, upgrade(FORWARD))).toMatch(/^HTTP\/1\.1 401 /);
    expect(tunnels.opened).toEqual([]);
    const { closed } = await exec(url, 'stdout=true&command=true', undefined, {
      Authorization: 'Bearer a-token',
    });
    await closed;
  });

  it('is nobody where the server is read-only, or not the own one', async () => {
    const { url } = await start({ isReadOnly: true });
    expect(await refusal(url, EXEC)).toBe(403);
    expect(await raw(url, upgrade(FORWARD))).toMatch(/^HTTP\/1\.1 403 /);
    const other = await start({ tunnels: undefined });
    expect(await refusal(other.url, EXEC)).toBe(405);
  });
});

describe('an upgrade that nobody offers', () => {
  const h2c = [
    'Connection: Upgrade, HTTP2-Settings, close',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
  ];

  it('is left out of the request, whose body is read', async () => {
    const { url } = await start();
    const body = '{}';
    const head = [
      'POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1',
      'Host: 127.0.0.1',
      ...h2c,
    ];
    const sent = [...head, 'Content-Type: application/json', `Content-Length: ${body.length}`].join('\r\n');
    const again =
      'GET /version HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, close\r\nUpgrade: x\r\n\r\n';
    const said = await raw(url, `${sent}\r\n\r\n${body}`);
    expect(said).toMatch(/^HTTP\/1\.1 201 /);
    expect(await raw(url, again)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('port-forward', () => {
  it('forgets half a pair that the client has given up', async () => {
    const { url } = await start();
    const client = await openSpdy(open(url), upgrade(FORWARD));
    await client.giveUp('one', 5432);
    const [, data] = await client.pair('one', 5432);
    client.send(data, Buffer.from('hello'), true);
    await vi.waitFor(() => expect(client.ended).toContain(data));
    expect(client.textOf(data)).toBe('hello');
  });

  it('lets go of a client that leaves while nobody takes what it sent', async () => {
    const { url, close } = await start();
    const socket = open(url);
    const client = await openSpdy(socket, upgrade(FORWARD));
    const stream = await client.half('one', 5432);
    for (let count = 0; count < 20; count++) client.send(stream, Buffer.alloc(60_000), false);
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.resetAndDestroy();
    const before = performance.now();
    await close();
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it('carries connections of a client that speaks SPDY itself, each until its end', async () => {
    const { url, tunnels } = await start();
    const client = await openSpdy(open(url), upgrade(FORWARD));
    for (const text of ['one', 'two']) {
      const [error, data] = await client.pair(text, 5432);
      client.send(data, Buffer.from(text), true);
      await vi.waitFor(() => expect(client.ended).toEqual(expect.arrayContaining([error, data])));
      expect([client.textOf(data), client.textOf(error)]).toEqual([text, '']);
    }
    expect(tunnels.opened).toHaveLength(1);
    client.ping(7);
    await vi.waitFor(() => expect(client.pings).toEqual([7]));
  });

  it('tells a stream of errors which ports there are', async () => {
    const { url } = await start();
    const client = await openSpdy(open(url), upgrade(FORWARD));
    const [error] = await client.pair('one', 99);
    await vi.waitFor(() => expect(client.ended).toContain(error));
    expect(client.textOf(error)).toBe(
      'error forwarding port 99 to pod orders: bastion "orders" has nothing behind port 99, allowed: 5432 (orders), 15432 (a-name-that-is-no-port-name)',
    );
  });

  it('tells why a target took no connection', async () => {
    const { url, tunnels } = await start();
    const client = await openSpdy(open(url), upgrade(FORWARD));
    const [error, data] = await client.pair('one', 15432);
    client.send(data, Buffer.from('x'), true);
    await vi.waitFor(() => expect(client.ended).toContain(data));
    tunnels.refuse(new SessionError('TargetRefused', 'reports.internal:5432 refused', 'look at its group'));
    await vi.waitFor(() => expect(client.ended).toContain(error), 5_000);
    expect(client.textOf(error)).toContain('reports.internal:5432 refused: look at its group');
  });

  it('names the ports that kubectl can call by name', async () => {
    const { call } = await start();
    const { json } = await call('GET', `${PODS}/orders`);
    expect(json['spec']?.['containers']?.[0]?.['ports']).toEqual([
      { name: 'orders', containerPort: 5432, protocol: 'TCP' },
      { containerPort: 15432, protocol: 'TCP' },
    ]);
  });

  it('closes the connection at what is not SPDY, and goes on serving', async () => {
    const { url, call } = await start();
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      // A frame that looks right up to what is in it.
      fc
        .tuple(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 60 }))
        .map(([type, body]) => Uint8Array.from([0x80, 3, 0, type, 0, 0, 0, body.length, ...body])),
      fc.constant(Uint8Array.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff])),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 4 }), async (chunks) => {
        const socket = open(url);
        socket.write(upgrade(FORWARD));
        for (const chunk of chunks) socket.write(chunk);
        socket.end();
        expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 101 /);
      }),
      { numRuns: 60 },
    );
    expect((await call('GET', '/version')).code).toBe(200);
  });
});
