import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bastion } from '../../controller/api/bastion.ts';
import { SessionError } from '../../controller/api/session.ts';
import { createFakeTunnels, type FakeTunnels } from '../http/fake-tunnels.ts';
import { type Bed, openBed, type Place } from './bed.ts';
import { eventually, failed, refused } from './kubectl.ts';
import { make, named, ready } from './manifests.ts';

const ARN = 'arn:aws:ecs:eu-west-1:123456789012:task/bastion/0123456789abcdef0123456789abcdef';
const TARGETS = [
  { name: 'orders', host: 'orders.internal', port: 5432 },
  { name: 'reports', host: 'reports.internal', port: 5432 },
];

let bed: Bed;
let tunnels: FakeTunnels;
const servers: Server[] = [];

/** Says which database it is, and then whatever it is told. */
async function startDatabase(greeting: string): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}).write(greeting);
    socket.pipe(socket);
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  tunnels = createFakeTunnels({
    'orders.internal:5432': await startDatabase('orders!'),
    'reports.internal:5432': await startDatabase('reports!'),
  });
  bed = await openBed({ tunnels });
});

afterAll(async () => {
  await bed.close();
  for (const server of servers) server.close();
});

async function place(fields: object = {}, own = bed): Promise<Place> {
  const place = own.place();
  const bastion = await make(own.api, place.namespace, named('orders', { targets: TARGETS }));
  const { status } = ready(3_600_000);
  const resources = [{ kind: 'task', key: 'task/orders', id: ARN, state: 'Ready', message: '' }];
  await own.api.bastions.updateStatus({ ...bastion, status: { ...status, resources, ...fields } } as Bastion);
  return place;
}

/** Sends all of it, says that there is no more, and reads to the end. */
async function talk(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function forwarded(shown: string, count: number): Promise<number[]> {
  const ports = [...shown.matchAll(/from 127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
  if (ports.length < count) throw new Error(shown);
  return ports;
}

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('port-forward', () => {
  test('carries data both ways to two targets on the same port', async () => {
    const { follow } = await place();
    const forwarding = follow('port-forward pod/orders :orders :15432');
    const [orders = 0, reports = 0] = await eventually(() => forwarded(forwarding.stdout(), 2));
    expect(String(await talk(orders, Buffer.from(' and back')))).toBe('orders! and back');
    expect(String(await talk(reports, Buffer.from(' and back')))).toBe('reports! and back');
    await forwarding.stop();
    expect(forwarding.stderr()).toBe('');
  });

  test('carries 30 MB whole beside four other connections, through one session', async () => {
    const { follow, namespace } = await place();
    const forwarding = follow('port-forward pod/orders :orders');
    const [port = 0] = await eventually(() => forwarded(forwarding.stdout(), 1));
    const sent = [30_000_000, 1_000_000, 1_000_000, 100_000, 1].map((size) => randomBytes(size));
    const got = await Promise.all(sent.map((bytes) => talk(port, bytes)));
    const greeting = Buffer.from('orders!');
    expect(got.map(sha)).toEqual(sent.map((bytes) => sha(Buffer.concat([greeting, bytes]))));
    const mine = () => tunnels.opened.filter(({ reason }) => reason.endsWith(` ${namespace}/orders`));
    expect(mine()).toEqual([
      {
        ...{ region: 'eu-west-1', target: 'ecs:bastion_0123_0123-456' },
        reason: `kubectl port-forward of bastion ${namespace}/orders`,
        purpose: { kind: 'port', host: 'orders.internal', port: 5432, localPort: 0 },
      },
    ]);
    await forwarding.stop();
  });

  test('says which ports there are', async () => {
    const { follow } = await place();
    const forwarding = follow('port-forward pod/orders :99');
    const [port = 0] = await eventually(() => forwarded(forwarding.stdout(), 1));
    expect(String(await talk(port, Buffer.alloc(0)))).toBe('');
    const { code, stderr } = await forwarding.ended();
    expect(code).toBe(1);
    expect(stderr.replaceAll('\\"', '"')).toContain(
      'error forwarding port 99 to pod orders: bastion "orders" has nothing behind port 99, allowed: 5432 (orders), 15432 (reports)',
    );
  });

  test('is refused while the bastion is not ready', async () => {
    const resources = [{ kind: 'task', key: 'task/orders', id: ARN, state: 'Deleting', message: '' }];
    const { run } = await place({ phase: 'Terminating', resources });
    expect(await run('port-forward pod/orders :5432')).toEqual(
      failed(
        'error: error upgrading connection: bastion "orders" is Terminating and takes no sessions: try again once it is Ready (kubectl wait --for=condition=Ready bastion/orders)',
      ),
    );
  });
});

describe('exec', () => {
  test('shows what the command writes, and ends as it did', async () => {
    const { run } = await place();
    const reply = await run(`exec orders -- sh -c 'echo out; echo err >&2; exit 3'`);
    expect(reply).toEqual({
      ...{ code: 3, stdout: 'out\n', stderr: 'err\ncommand terminated with exit code 3\n' },
    });
    expect(await run('exec orders -- true')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('passes input on, to its end', async () => {
    const { run } = await place();
    const stdin = randomBytes(2_000_000).toString('base64');
    const { code, stdout, stderr } = await run('exec -i orders -- cat', { stdin });
    expect([code, stdout.length, stderr]).toEqual([0, stdin.length, '']);
    expect(stdout === stdin).toBe(true);
  });

  test('opens the shell of Session Manager for who asks for a shell', async () => {
    const { run, namespace } = await place();
    const { stdout } = await run('exec -i orders -- sh', { stdin: 'echo $((6 * 7))\n' });
    expect(stdout).toBe('42\n');
    const mine = tunnels.opened.filter(({ reason }) => reason.endsWith(` ${namespace}/orders`));
    expect(mine.map(({ purpose }) => purpose)).toEqual([{ kind: 'shell' }]);
  });

  test('of another container or in no pod is refused', async () => {
    const { run } = await place();
    expect((await run('exec orders -c sidecar -- ls')).stderr).toContain(
      'container sidecar is not valid for pod orders',
    );
    expect(await run('exec other -- ls')).toEqual(refused('NotFound', 'pods "other" not found'));
  });

  test('attach is refused with what to do instead', async () => {
    const { run } = await place();
    expect((await run('attach orders')).stderr).toContain('kubectl exec opens a shell beside it');
  });
});

describe('a session that cannot be opened', () => {
  test('is told with what to do next', async () => {
    const own = createFakeTunnels();
    const broken = await openBed({
      tunnels: {
        ...own,
        openStreams: async () => {
          throw new SessionError('PluginMissing', 'there is no session-manager-plugin', 'install it');
        },
      },
    });
    try {
      const at = await place({}, broken);
      expect(await at.run('exec orders -- ls')).toEqual(
        refused('ServiceUnavailable', 'there is no session-manager-plugin: install it'),
      );
    } finally {
      await broken.close();
    }
  });

  test('is refused by a server that is read-only', async () => {
    const readOnly = await openBed({ tunnels, isReadOnly: true });
    try {
      const at = await place({}, readOnly);
      expect((await at.run('exec orders -- ls')).stderr).toContain('this server is read-only');
      expect((await at.run('port-forward pod/orders :5432')).stderr).toContain('this server is read-only');
    } finally {
      await readOnly.close();
    }
  });
});
