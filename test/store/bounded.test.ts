import { expect, it } from 'vitest';
import { boundStore } from '../../controller/store/bounded.ts';
import type { Store } from '../../controller/store/store.ts';
import { settle, VirtualClock } from '../clock.ts';

const BOUNDS = { calls: 2, readMs: 8_000, writeMs: 10_000 };

/** A store whose reads are answered when the test says so. */
function hanging() {
  const answers: (() => void)[] = [];
  const get = () => new Promise<undefined>((resolve) => answers.push(() => resolve(undefined)));
  return { answers, store: { get, put: get, list: get } as unknown as Store };
}

it('says in time that the store does not answer, and of a write that it may have been made', async () => {
  const clock = new VirtualClock();
  const { store } = hanging();
  const bounded = boundStore(store, clock, BOUNDS);
  const read = bounded.get('bastions', 'default/a').catch((error: Error) => error.message);
  const written = bounded.put('bastions', {} as never, undefined).catch((error: Error) => error.message);
  await clock.advance(10_000);
  expect(await read).toBe('The store does not answer. It was not read. Try again.');
  expect(await written).toMatch(/^The store does not answer\. It may or may not have been written/);
});

it('has no more calls under way than it may, and goes on when one is answered', async () => {
  const { store, answers } = hanging();
  const bounded = boundStore(store, new VirtualClock(), BOUNDS);
  const all = [1, 2, 3].map(() => bounded.get('bastions', 'default/a'));
  await settle();
  expect(answers).toHaveLength(2);
  answers[0]?.();
  await settle();
  expect(answers).toHaveLength(3);
  for (const answer of answers) answer();
  await Promise.all(all);
});

it('lets one ask at a time while many have had no answer, and all again once the store answers', async () => {
  const clock = new VirtualClock();
  const { store, answers } = hanging();
  const bounded = boundStore(store, clock, { ...BOUNDS, calls: 8 });
  const ask = () => bounded.get('bastions', 'default/a').catch((error: Error) => error.message);
  const lost = Array.from({ length: 8 }, ask);
  await clock.advance(8_000);
  await Promise.all(lost);
  const probe = ask();
  await settle();
  expect(await ask()).toContain('does not answer');
  expect(answers).toHaveLength(9);
  for (const answer of answers) answer();
  expect(await probe).toBeUndefined();
  const again = [ask(), ask()];
  await settle();
  for (const answer of answers) answer();
  expect(await Promise.all(again)).toEqual([undefined, undefined]);
});

it('says of what it has not even asked for that it was not', async () => {
  const clock = new VirtualClock();
  const { store, answers } = hanging();
  const bounded = boundStore(store, clock, BOUNDS);
  const put = () => bounded.put('bastions', {} as never, undefined).catch((error: Error) => error.message);
  const written = [put(), put()];
  const read = bounded.get('bastions', 'default/a').catch((error: Error) => error.message);
  await clock.advance(10_000);
  expect((await Promise.all(written)).join()).toContain('It may or may not have been written');
  expect(await read).toBe('The store does not answer. It was not asked for. Try again.');
  expect(answers).toHaveLength(2);
});

it('keeps no watch waiting for those that are slow to catch up', async () => {
  const clock = new VirtualClock();
  const silent = { watch: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }) };
  let begun = 0;
  const store = {
    async *watch() {
      begun++;
      yield* silent.watch() as AsyncIterable<never>;
    },
  } as unknown as Store;
  const bounded = boundStore(store, clock, BOUNDS);
  const left = new AbortController();
  const watch = (signal?: AbortSignal) =>
    void bounded
      .watch({ ...(signal && { signal }) } as never)
      [Symbol.asyncIterator]()
      .next();
  for (let count = 0; count < 32; count++) watch();
  watch(left.signal);
  watch();
  await settle();
  expect(begun).toBe(32);
  left.abort();
  await clock.advance(2_000);
  await settle();
  expect(begun).toBe(34);
});
