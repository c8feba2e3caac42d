import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createEventEncoder } from '../../controller/http/watch/event-encoder.ts';
import { createLineWriter } from '../../controller/http/watch/line-writer.ts';
import { settle, VirtualClock } from '../clock.ts';
import { sample } from '../server/fixture.ts';
import { BASTIONS, createRig, type Rig } from './rig.ts';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(options: Parameters<typeof createRig>[0] = {}): Promise<Rig> {
  const rig = await createRig(options);
  ends.push(rig.close);
  return rig;
}

/** A reader that asks and then reads nothing, with what it is answered. */
async function stall(): Promise<{ reader: Socket; response: ServerResponse }> {
  const server = createServer();
  const asked = once(server, 'request');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const reader = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  reader.pause().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  ends.push(() => {
    reader.destroy();
    server.closeAllConnections();
    server.close();
  });
  const [, response] = (await asked) as [unknown, ServerResponse];
  return { reader, response };
}

const LINE = Buffer.alloc(64 * 1024, 'x');

/** Writes until the reader's buffers are full. */
async function fill(
  writer: ReturnType<typeof createLineWriter>,
): Promise<{ done: Promise<void>; isDone: () => boolean }> {
  for (;;) {
    let isDone = false;
    const done = writer.write(LINE).then(() => {
      isDone = true;
    });
    await settle();
    if (!isDone) return { done, isDone: () => isDone };
  }
}

it('cuts off a reader that takes nothing for half a minute', async () => {
  const clock = new VirtualClock();
  const { response } = await stall();
  const { done } = await fill(createLineWriter(response, clock));
  await clock.advance(29_000);
  expect(response.destroyed).toBe(false);
  await clock.advance(1_000);
  await done;
  expect(response.destroyed).toBe(true);
});

it('waits for a reader that is slow, and holds no more than a line for it', async () => {
  const clock = new VirtualClock();
  const { reader, response } = await stall();
  const writer = createLineWriter(response, clock);
  const { done } = await fill(writer);
  expect(writer.isBlocked).toBe(true);
  expect(response.writableLength).toBeLessThan(3 * LINE.length);
  reader.resume();
  await done;
  expect([response.destroyed, writer.isBlocked]).toEqual([false, false]);
  await clock.advance(60_000);
  expect(response.destroyed).toBe(false);
});

it('opens no more watches than there may be, and others when one has ended', async () => {
  const rig = await start({ limits: { watches: { total: 2, perClient: 2 } } });
  const [first] = [await rig.watch(`${BASTIONS}?watch=true`), await rig.watch(`${BASTIONS}?watch=true`)];
  const refused = await rig.call('GET', `${BASTIONS}?watch=true`);
  expect(refused.json).toMatchObject({
    ...{ code: 429, reason: 'TooManyRequests', details: { retryAfterSeconds: 1 } },
    message: '2 watches are open, as many as one client may have: try again later',
  });
  expect(refused.headers['retry-after']).toBe('1');
  first?.stop();
  let code = 429;
  for (let attempt = 0; code === 429 && attempt < 100; attempt++) {
    await settle();
    const lines = await rig.watch(`${BASTIONS}?watch=true&timeoutSeconds=1`);
    code = lines.code;
  }
  expect(code).toBe(200);
});

it('writes one event once for all who look the same way at about the same time', async () => {
  const clock = new VirtualClock();
  const encoder = createEventEncoder(clock, new AbortController().signal);
  const object = {
    ...sample(),
    metadata: {
      name: 'a',
      namespace: 'b',
      uid: 'u',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '',
    },
  };
  const shape = { apiVersion: object.apiVersion, kind: 'Bastion', columns: [] };
  const encode = (as: 'Object' | 'Table', of: typeof object = object) => {
    const form =
      as === 'Object' ? ({ as, syntax: 'json' } as const) : ({ as, version: 'v1', syntax: 'json' } as const);
    return encoder.encode('ADDED', of, { form, includeObject: 'Metadata', isPretty: false }, shape);
  };
  expect(encode('Object', structuredClone(object))).toBe(encode('Object'));
  expect(encode('Table')).toBe(encode('Table'));
  expect(encode('Table')).not.toBe(encode('Object'));
  const before = encode('Table');
  await clock.advance(1_000);
  expect(encode('Table')).not.toBe(before);
  const changed = { ...object, metadata: { ...object.metadata, resourceVersion: '2' } };
  expect(encode('Object', changed)).not.toBe(encode('Object'));
});

it('shares a line for as long as a watch has it to send', async () => {
  const clock = new VirtualClock();
  const encoder = createEventEncoder(clock, new AbortController().signal);
  const metadata = { name: 'a', namespace: 'b', uid: 'u', resourceVersion: '1', generation: 1 };
  const object = { ...sample(), metadata: { ...metadata, creationTimestamp: '' } };
  const shape = { apiVersion: object.apiVersion, kind: 'Bastion', columns: [] };
  const look = {
    form: { as: 'Object', syntax: 'json' },
    includeObject: 'Metadata',
    isPretty: false,
  } as const;
  const held = encoder.encode('ADDED', object, look, shape);
  await clock.advance(60_000);
  expect(encoder.encode('ADDED', structuredClone(object), look, shape)).toBe(held);
});

it('ends a watch that takes nothing when its client asks for another one', async () => {
  const rig = await start({ limits: { watches: { total: 9, perClient: 1 } } });
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p']) {
    const annotations = { note: 'x'.repeat(250_000) };
    await rig.call('POST', BASTIONS, { body: sample({}, { name, annotations }) });
  }
  const silent = connect(Number(new URL(rig.url).port), '127.0.0.1');
  ends.push(() => silent.destroy());
  silent.pause().write(`GET ${BASTIONS}?watch=true HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  let code = 0;
  // Less than the half minute after which it would be cut off anyway.
  for (let attempt = 0; code !== 200 && attempt < 40; attempt++) {
    await settle();
    await rig.clock.advance(600);
    const lines = await rig.watch(`${BASTIONS}?watch=true&resourceVersion=16`);
    code = attempt < 2 ? 0 : lines.code;
    lines.stop();
  }
  expect(code).toBe(200);
});

it('closes though a client holds its connection and reads nothing', async () => {
  const rig = await start();
  await rig.call('POST', BASTIONS, { body: sample() });
  const socket = connect(Number(new URL(rig.url).port), '127.0.0.1');
  ends.push(() => socket.destroy());
  socket.pause().write(`POST ${BASTIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{`);
  const lines = await rig.watch(`${BASTIONS}?watch=true`);
  const closed = rig.close();
  await rig.clock.advance(2_000);
  await closed;
  expect((await lines.next())?.type).toBe('ADDED');
  expect(await lines.next()).toBeUndefined();
});
