import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedStore, openEmbeddedStore } from '../../controller/store/embedded.ts';
import { VirtualClock } from '../clock.ts';
import { thing } from './subject.ts';

describe('the embedded store', () => {
  let dataDir: string;
  let clock: VirtualClock;
  const opened: EmbeddedStore[] = [];
  beforeEach(async () => {
    clock = new VirtualClock();
    dataDir = await mkdtemp(join(tmpdir(), 'bastion-store-'));
  });
  afterEach(async () => {
    for (const embedded of opened.splice(0).reverse()) await embedded.close();
    await rm(dataDir, { recursive: true });
  });

  const open = async (pid?: number) => {
    const options = {
      dataDir,
      clock,
      newId: randomUUID,
      ...(pid !== undefined && { pid }),
    };
    const embedded = await openEmbeddedStore(options);
    opened.push(embedded);
    return embedded;
  };
  const endpointFile = () => join(dataDir, 'endpoint.json');
  const readEndpoint = async () => JSON.parse(await readFile(endpointFile(), 'utf8'));

  it('keeps what was stored over a restart', async () => {
    const first = await open();
    const stored = await first.store.put('bastions', thing('a'), undefined);
    await first.close();
    opened.pop();
    expect(await (await open()).store.list('bastions')).toEqual({ items: [stored], revision: 1 });
  });

  it('leads a second process on the same folder to the first', async () => {
    const first = await open();
    const second = await open();
    expect([first.owner, second.owner, second.url]).toEqual([true, false, first.url]);
    const stored = await second.store.put('bastions', thing('a'), undefined);
    expect(await first.store.get('bastions', 'default/a')).toEqual(stored);
  });

  it('ends what others were asking for before it closes, though they have hung up', async () => {
    for (let round = 0; round < 4; round++) {
      const first = await open();
      const second = await open();
      const name = (index: number) => `round-${round}-${index}`;
      for (let index = 0; index < 20; index++)
        await first.store.put('bastions', thing(name(index)), undefined);
      const asked = Array.from({ length: 8 }, () => second.store.list('bastions').catch(() => 'cut off'));
      // One answer is there, so that the others are being worked on.
      await Promise.race(asked);
      second.client.destroy();
      await first.close();
      await Promise.all(asked);
    }
    opened.length = 0;
    expect(await (await open()).store.list('bastions')).toMatchObject({ revision: 80 });
  });

  it('closes though somebody never ends what they ask', async () => {
    const first = await open();
    const { hostname, port } = new URL(first.url);
    const { key } = await readEndpoint();
    const socket = connect(Number(port), hostname);
    const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nAuthorization: Credential=${key}/x`;
    socket.write(`${head}\r\n\r\nhalf`);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    await first.store.list('bastions');
    await first.close();
    opened.pop();
    await closed;
    await expect(readEndpoint()).rejects.toThrow('ENOENT');
  });

  it('makes one owner of several that start at once', async () => {
    const all = [process.pid, process.ppid, 1].map(open);
    const settled = Promise.all(all);
    let waiting = true;
    settled.finally(() => {
      waiting = false;
    });
    for (let turn = 0; waiting && turn < 10_000; turn++) await clock.advance(1);
    expect((await settled).map(({ owner }) => owner).sort()).toEqual([false, false, true]);
  });

  it('tells only its own user where it is, and lets nobody in without the key', async () => {
    const { url } = await open();
    expect((await stat(endpointFile())).mode & 0o777).toBe(0o600);
    expect(await readEndpoint()).toMatchObject({ pid: process.pid, store: url, table: 'bastion-operator' });
    const credentials = { accessKeyId: 'guessed', secretAccessKey: 'guessed' };
    const stranger = new DynamoDBClient({ endpoint: url, region: 'us-east-1', credentials, maxAttempts: 1 });
    const refused = await stranger
      .send(new ListTablesCommand({}))
      .catch((error) => error.$metadata.httpStatusCode);
    stranger.destroy();
    expect([refused, (await fetch(url)).status]).toEqual([403, 403]);
  });

  it.each([
    [
      'names a process that has ended',
      { pid: 2 ** 22 + 1, store: 'http://127.0.0.1:9', table: 'x', key: 'x' },
    ],
    [
      'was left by an earlier process with our id',
      { pid: process.pid, store: 'http://127.0.0.1:9', table: 'x', key: 'x' },
    ],
    ['is damaged', '{"pid":'],
  ])('takes the folder over when endpoint.json %s', async (_, content) => {
    await writeFile(endpointFile(), typeof content === 'string' ? content : JSON.stringify(content));
    const embedded = await open();
    expect(embedded.owner).toBe(true);
    expect(await readEndpoint()).toMatchObject({ pid: process.pid, store: embedded.url });
  });

  it('says who holds the folder when that process does not answer', async () => {
    await writeFile(endpointFile(), JSON.stringify({ pid: process.ppid, table: 'x', key: 'x' }));
    let failure = '';
    const opening = openEmbeddedStore({ dataDir, clock, newId: randomUUID }).catch((error: Error) => {
      failure = error.message;
    });
    for (let turn = 0; turn < 1_000 && failure === ''; turn++) await clock.advance(100);
    await opening;
    expect(failure).toBe(
      `Process ${process.ppid} has ${dataDir} open but does not answer. Stop it, or if it is none of ours remove ${endpointFile()}.`,
    );
  });

  it('leaves no endpoint behind when it is closed', async () => {
    const embedded = await open();
    await embedded.close();
    opened.pop();
    await expect(stat(endpointFile())).rejects.toThrow('ENOENT');
  });
});
