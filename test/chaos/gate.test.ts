import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Gate, openGate } from './gate.ts';

let upstream: Server;
let asked: string[];
let gate: Gate;
beforeEach(async () => {
  asked = [];
  upstream = createServer((request, response) => {
    asked.push(request.url ?? '');
    request.pipe(response);
  });
  await once(upstream.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  gate = await openGate({ aws: url, table: url });
});
afterEach(async () => {
  await gate.close();
  upstream.closeAllConnections();
  upstream.close();
});

const call = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${gate.url}${path}`, { method: 'POST', body: 'said', headers }).then((response) => response.text());
const TABLE = { 'x-amz-target': 'DynamoDB_20120810.PutItem' };

it('lets through what is asked, and what is answered', async () => {
  expect(await call('/one')).toBe('said');
  expect(gate.isOpen()).toBe(true);
});

it('lets nothing through while connections are reset, on that channel', async () => {
  gate.set('table', { kind: 'reset' });
  await expect(call('/table', TABLE)).rejects.toThrow();
  expect(await call('/aws')).toBe('said');
  expect([asked, gate.isOpen()]).toEqual([['/aws'], false]);
});

it('carries out what it keeps the answer of', async () => {
  gate.set('aws', { kind: 'lost-reply' });
  await expect(call('/one')).rejects.toThrow();
  expect(asked).toEqual(['/one']);
});

it('holds what is asked until the weather clears, and only its own end clears it', async () => {
  const [earlier, later] = [{ kind: 'delay', ms: 1 }, { kind: 'hang' }] as const;
  gate.set('aws', earlier);
  gate.set('aws', later);
  const answer = call('/one');
  gate.clear('aws', earlier);
  expect(gate.isOpen()).toBe(false);
  gate.clear('aws', later);
  expect([await answer, asked]).toEqual(['said', ['/one']]);
});
