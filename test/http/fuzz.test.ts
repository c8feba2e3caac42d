import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sample } from '../api/sample.ts';
import { request, type Sent } from './requests.ts';
import { BASTIONS, createRig, type Rig } from './rig.ts';

const REQUESTS = 5_000;
/** No request may take so long; a watch is ended as soon as its head has come. */
const LONGEST_MS = 10_000;

interface Received {
  readonly code: number;
  readonly type: string;
  readonly text: string;
}

/** By hand and byte for byte: a client library would refuse half of it, or put it right. */
async function exchange(
  port: number,
  { method, path: target, headers: sent, body: content }: Sent,
): Promise<Received> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const timeout = AbortSignal.timeout(LONGEST_MS);
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...['Host: 127.0.0.1', 'Connection: close'],
    ...Object.entries(sent).map(([name, value]) => `${name}: ${value}`),
    ...(content ? [`Content-Length: ${content.length}`] : []),
  ];
  socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), content ?? Buffer.alloc(0)]));
  const chunks: Buffer[] = [];
  const isStream = /[?&](watch|follow)=/.test(target);
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (isStream && Buffer.concat(chunks).includes('Transfer-Encoding: chunked')) socket.destroy();
  });
  try {
    await once(socket, 'close', { signal: timeout });
  } catch {
    throw new Error(
      `no end of an answer within ${LONGEST_MS} ms: ${Buffer.concat(chunks).toString().slice(0, 300)}`,
    );
  } finally {
    socket.destroy();
  }
  const [head = '', ...rest] = Buffer.concat(chunks)
    .toString()
    .replace(/^HTTP\/1\.1 100 .*\r\n\r\n/, '')
    .split('\r\n\r\n');
  return {
    code: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]),
    type: /^content-type: *(.*)$/im.exec(head)?.[1] ?? '',
    text: rest.join('\r\n\r\n'),
  };
}

const TRACE = /\n\s+at |node:internal|node_modules|\.ts:\d+|\.js:\d+|[A-Z]\w+Error:/;

function expectSound({ method }: Sent, { code, type: contentType, text: said }: Received): void {
  expect(code).toBeGreaterThanOrEqual(200);
  expect(code, said).toBeLessThan(500);
  expect(said).not.toMatch(TRACE);
  // Node itself refuses an Expect that it does not know, without a body.
  if (code < 400 || method === 'HEAD' || code === 417) return;
  expect(contentType).toMatch(/^application\/json/);
  const status = JSON.parse(said.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, ''));
  expect(status).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code });
  expect(status.message).toEqual(expect.any(String));
  expect(status.reason).toMatch(/^[A-Z][A-Za-z]+$/);
}

async function isStillWell(rig: Rig): Promise<void> {
  expect(rig.failures).toEqual([]);
  expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted');
  const { code } = await rig.call('GET', BASTIONS);
  expect(code).toBe(200);
}

it('answers whatever it is sent, and in words that clients understand', { timeout: 240_000 }, async () => {
  const rig = await createRig();
  await rig.call('POST', BASTIONS, { body: sample() });
  const port = Number(new URL(rig.url).port);
  const codes = new Map<number, number>();
  const property = fc.asyncProperty(request, async (sent) => {
    const received = await exchange(port, sent);
    codes.set(received.code, (codes.get(received.code) ?? 0) + 1);
    expectSound(sent, received);
    if (rig.failures.length > 0) await isStillWell(rig);
  });
  await fc.assert(property, { numRuns: REQUESTS, verbose: 0 });
  await isStillWell(rig);
  await rig.close();
  // A run that was refused at the door would prove nothing.
  for (const code of [200, 400, 404, 405, 415, 422]) expect([...codes.keys()]).toContain(code);
});
