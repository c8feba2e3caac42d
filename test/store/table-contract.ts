import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, MAX_OBJECT_BYTES } from '../../controller/store/log.ts';
import { createObjects } from '../../controller/store/objects.ts';
import { ObjectTooLargeError, type Store } from '../../controller/store/store.ts';
import { openTable } from '../../controller/store/table.ts';
import { COLLECTIONS, readConsistently, type TableSubject, thing } from './subject.ts';

const DAY_MS = 24 * 3_600_000;

interface Call {
  readonly operation: string;
  /** Counts the calls of this client, from 0. */
  readonly index: number;
  send(): Promise<void>;
}

class LostConnection extends Error {
  override readonly name = 'TimeoutError';
}

/** Puts `handle` between the store and the network: it may send the call or not, and throw before or after. */
function intercept(
  client: DynamoDBClient,
  handle: (call: Call) => Promise<void>,
  retried = false,
): DynamoDBClient {
  let index = 0;
  const fault =
    <Input, Output>(next: (args: Input) => Promise<Output>, context: Readonly<Record<string, unknown>>) =>
    async (args: Input): Promise<Output> => {
      const results: Output[] = [];
      const send = async () => void results.push(await next(args));
      const operation = String(context['commandName']).replace('Command', '');
      await handle({ operation, index: index++, send });
      const [result] = results;
      if (result === undefined) throw new LostConnection('nothing was sent');
      return result;
    };
  if (retried) client.middlewareStack.add(fault, { step: 'finalizeRequest', priority: 'low', name: 'fault' });
  else client.middlewareStack.add(fault, { step: 'initialize', priority: 'high', name: 'fault' });
  return client;
}

/** The process ends at call `index`: just before it reaches the table, or just after. Nothing gets through from then on. */
function dieAt(index: number, moment: 'before' | 'after') {
  const process = { died: false };
  return {
    process,
    async handle(call: Call) {
      if (call.index < index || (call.index === index && moment === 'after')) await call.send();
      if (call.index < index) return;
      process.died = true;
      throw new LostConnection('the process has ended');
    },
  };
}

async function createChangeAndDelete(store: Store, done: (step: string) => void): Promise<void> {
  const a = await store.put('bastions', thing('a', { value: 1 }), undefined);
  done('created');
  await store.put('bastions', thing('a', { value: 2 }), a.metadata.resourceVersion);
  done('changed');
  const old = await store.get('bastions', 'default/old');
  await store.delete('bastions', 'default/old', old?.metadata.resourceVersion ?? '');
  done('deleted');
}

/** The states that one may find after so many steps were acknowledged: the next step may have taken effect or not. */
const STATES = ['old', 'a1 old', 'a2 old', 'a2'];

/** What stores on a table promise when calls fail. */
export function tableContract(title: string, create: () => Promise<TableSubject>): void {
  describe(title, () => {
    let subject: TableSubject;
    beforeEach(async () => {
      subject = await create();
      await subject.open().put('bastions', thing('old'), undefined);
    });
    afterEach(() => subject.close());

    const describeState = async (store: Store) => {
      const { state } = await readConsistently(store, subject.clock);
      const words = [...state.values()].map(
        (object) => `${object.metadata.name}${'value' in object ? object.value : ''}`,
      );
      return words.sort().join(' ');
    };

    it.each(['before', 'after'] as const)(
      'stays consistent and writable when a writer dies %s any call',
      { timeout: 120_000 },
      async (moment) => {
        for (let index = 0, died = true; died; index++) {
          await subject.close();
          subject = await create();
          await subject.open().put('bastions', thing('old'), undefined);
          const { process, handle } = dieAt(index, moment);
          const client = intercept(subject.connect(), handle);
          const steps: string[] = [];
          await createChangeAndDelete(subject.open(client), (step) => steps.push(step)).catch(
            () => undefined,
          );
          died = process.died;
          const survivor = subject.open();
          const found = await describeState(survivor);
          expect(STATES.slice(steps.length, steps.length + 2), `died ${moment} call ${index}`).toContain(
            found,
          );
          expect(await describeState(subject.open())).toBe(found);
          await survivor.put('events', thing('next'), undefined);
          expect(await describeState(survivor)).toBe(`${found} next`.split(' ').sort().join(' '));
        }
      },
    );

    it('takes effect once when the answer to any write is lost', async () => {
      for (let lost = 0; lost < 6; lost++) {
        await subject.close();
        subject = await create();
        await subject.open().put('bastions', thing('old'), undefined);
        let puts = 0;
        const client = intercept(subject.connect(), async (call) => {
          await call.send();
          if (call.operation === 'PutItem' && puts++ === lost)
            throw new LostConnection('the answer was lost');
        });
        await createChangeAndDelete(subject.open(client), () => undefined);
        const { revision, history } = await readConsistently(subject.open(), subject.clock);
        expect(revision).toBe(4);
        expect(puts).toBeGreaterThan(lost);
        expect(history.map((change) => change.revision)).toEqual(history.map((_, index) => index + 1));
      }
    });

    it('recognises its own entry when the client repeated the request', async () => {
      let failed = false;
      const lose = async (call: Call) => {
        await call.send();
        if (call.operation !== 'PutItem' || failed || call.index < 2) return;
        failed = true;
        throw new LostConnection('the answer was lost');
      };
      const store = subject.open(intercept(subject.connect(), lose, true));
      const stored = await store.put('bastions', thing('a'), undefined);
      expect({ failed, version: stored.metadata.resourceVersion }).toEqual({ failed: true, version: '2' });
      expect(await describeState(subject.open())).toBe('a old');
    });

    it('succeeds when another writer went on before a lost answer was settled', async () => {
      const other = subject.open();
      let puts = 0;
      const client = intercept(subject.connect(), async (call) => {
        await call.send();
        if (call.operation !== 'PutItem' || puts++ !== 1) return;
        await other.put('events', thing('next'), undefined);
        throw new LostConnection('the answer was lost');
      });
      const stored = await subject.open(client).put('bastions', thing('a'), undefined);
      expect(stored.metadata.resourceVersion).toBe('2');
      expect(await describeState(other)).toBe('a next old');
    });

    it('says that a write may have happened when nothing answers', async () => {
      const client = intercept(subject.connect(), async (call) => {
        if (call.operation !== 'PutItem' || call.index < 2) return call.send();
        throw new LostConnection('no answer');
      });
      await expect(subject.open(client).put('bastions', thing('a'), undefined)).rejects.toThrow(
        /bastions default\/a got no answer; it may or may not have been written/,
      );
    });

    it('does not bring a deleted object back when somebody applies an old entry late', async () => {
      const store = subject.open();
      const table = openTable(subject.connect(), subject.table);
      const [late] = await createLog(table).after(0, 1);
      await store.delete('bastions', 'default/old', '1');
      if (late) await createObjects(table).apply(late);
      await store.put('events', thing('next'), undefined);
      expect(late?.type).toBe('ADDED');
      expect(await describeState(subject.open())).toBe('next');
    });

    it('keeps tombstones as long as it is told to', async () => {
      const store = subject.open();
      const table = openTable(subject.connect(), subject.table);
      const items = async () => (await table.query({ pk: 'object#bastions' })).length;
      await store.delete('bastions', 'default/old', '1');
      await subject.clock.advance(DAY_MS);
      await store.trim(0);
      await store.forgetDeletions('bastions', DAY_MS);
      expect(await items()).toBe(1);
      await subject.clock.advance(1);
      await store.forgetDeletions('bastions', DAY_MS);
      expect(await items()).toBe(0);
      await store.put('bastions', thing('old'), undefined);
      expect(await describeList(store)).toEqual(['old 3']);
    });

    it('refuses an object that the table could not hold, and names the limit', async () => {
      const store = subject.open();
      const text = 'x'.repeat(MAX_OBJECT_BYTES);
      await expect(store.put('bastions', thing('big', { text }), undefined)).rejects.toThrow(
        ObjectTooLargeError,
      );
      const fits = thing('big', { text: text.slice(1_000) });
      expect((await store.put('bastions', fits, undefined)).metadata.resourceVersion).toBe('2');
    });

    it('lists more than one page, exactly', async () => {
      const store = subject.open();
      const text = 'x'.repeat(300 * 1024);
      for (const name of ['a', 'b', 'c', 'd', 'e'])
        await store.put('bastions', thing(name, { text }), undefined);
      expect(await describeList(store)).toEqual(['a 2', 'b 3', 'c 4', 'd 5', 'e 6', 'old 1']);
      expect((await readConsistently(store, subject.clock)).history).toHaveLength(6);
    });

    it('never writes when it only reads', async () => {
      await subject.open().put('events', thing('next'), undefined);
      const operations = new Set<string>();
      const client = intercept(subject.connect(), async (call) => {
        operations.add(call.operation);
        await call.send();
      });
      await readConsistently(subject.open(client), subject.clock);
      expect([...operations].sort()).toEqual(['GetItem', 'Query']);
    });

    it('says which table is missing and what to do', async () => {
      const table = openTable(subject.connect(), 'missing');
      await expect(table.get({ pk: 'log', sk: '1' })).rejects.toThrow(
        /Table "missing": .* Create the table/s,
      );
    });

    const describeList = async (store: Store) => {
      const lists = await Promise.all(COLLECTIONS.map((collection) => store.list(collection)));
      return lists.flatMap(({ items }) =>
        items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`),
      );
    };
  });
}
