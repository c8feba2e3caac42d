import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { brokenRequestAnswerer } from '../../../controller/http/door/broken-request.ts';
import { clientAt } from '../../../controller/http/door/client-of.ts';
import { type Connections, guardConnections } from '../../../controller/http/door/connections.ts';
import type { PlaceLimits } from '../../../controller/http/door/places.ts';
import { VirtualClock } from '../../clock.ts';

const ends: (() => unknown)[] = [];
let pem: { readonly cert: string; readonly key: string };

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'bastion-tls-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=localhost', '-days', '2'];
  await promisify(execFile)('openssl', [...request, ...subject, '-keyout', key, '-out', cert]);
  pem = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  await rm(dir, { recursive: true });
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(server: Server, limits: PlaceLimits): Promise<Connections> {
  const connections = guardConnections(server, limits);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    connections.destroyAll();
    server.close();
  });
  return connections;
}

/** Also of one that is reset, and of one that is closed already. */
function closed(socket: Socket | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!socket || socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

async function open(
  server: Server,
  text = '',
  localAddress = '127.0.0.1',
  allowHalfOpen = false,
): Promise<Socket> {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen });
  socket.on('error', () => {}).resume();
  ends.push(() => socket.destroy());
  const arrived = once(server, 'connection');
  await Promise.all([once(socket, 'connect'), arrived]);
  if (text !== '') socket.write(text);
  return socket;
}

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

it('makes room for a client by closing its oldest connection that asks for nothing', async () => {
  const server = createServer((_request, response) => response.end('ok'));
  const connections = await serve(server, { total: 10, perClient: 3 });
  const idle = [await open(server), await open(server, 'GET /slow HTTP/1.1\r\nHo'), await open(server)];
  const fourth = await open(server);
  fourth.write(GET);
  const [answer] = (await once(fourth, 'data')) as [Buffer];
  expect(String(answer)).toContain('200 OK');
  await closed(idle[0]);
  expect(connections.count).toBe(3);
});

it('closes a new connection where the client waits for an answer on all that it may have, and lets others in', async () => {
  const server = createServer(() => {});
  const connections = await serve(server, { total: 10, perClient: 2 });
  for (let index = 0; index < 2; index++) {
    const asked = once(server, 'request');
    await open(server, GET);
    await asked;
  }
  const refused = await open(server);
  await closed(refused);
  const other = await open(server, '', '127.0.0.2');
  expect([other.destroyed, connections.count]).toEqual([false, 3]);
});

it('takes from the client with the most where all places are taken', async () => {
  const server = createServer();
  const connections = await serve(server, { total: 3, perClient: 3 });
  const greedy = [await open(server), await open(server), await open(server)];
  await open(server, '', '127.0.0.2');
  await closed(greedy[0]);
  expect(connections.count).toBe(3);
});

it.each([
  ['nothing', ''],
  ['one byte', '\x16'],
  ['half a hello', '\x16\x03\x01\x02\x00\x01'],
])('ends a TLS connection that sends %s and never shakes hands', async (_name, sent) => {
  const server = createSecureServer({ handshakeTimeout: 20, ...pem });
  server.on('clientError', brokenRequestAnswerer(new VirtualClock()) as never);
  const connections = await serve(server as unknown as Server, { total: 10, perClient: 10 });
  const socket = await open(server as unknown as Server, sent);
  await closed(socket);
  await expect.poll(() => connections.count).toBe(0);
});

it('ends connections that shake hands when the server has had enough', async () => {
  const server = createSecureServer(pem);
  const connections = await serve(server as unknown as Server, { total: 10, perClient: 10 });
  const socket = await open(server as unknown as Server);
  const stopped = once(server, 'close');
  server.close();
  connections.destroyAll();
  await Promise.all([closed(socket), stopped]);
  expect(connections.count).toBe(0);
});

it('does not wait for the other end of a connection that spoke no HTTP', async () => {
  const clock = new VirtualClock();
  const server = createServer();
  server.on('clientError', brokenRequestAnswerer(clock) as never);
  const connections = await serve(server, { total: 10, perClient: 10 });
  const socket = await open(server, 'hello\r\n\r\n', '127.0.0.1', true);
  await once(socket, 'end');
  expect(connections.count).toBe(1);
  await clock.advance(1_000);
  expect(connections.count).toBe(0);
});

it('takes an address for one client, and a /64 of IPv6', () => {
  expect(
    ['127.0.0.1', '::ffff:10.0.0.1', '2001:db8:1:2:3::4', '2001:db8:1:2::', '::1', undefined].map(clientAt),
  ).toEqual(['127.0.0.1', '10.0.0.1', '2001:db8:1:2::/64', '2001:db8:1:2::/64', '0:0:0:0::/64', '']);
});
