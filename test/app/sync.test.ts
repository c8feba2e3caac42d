import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../controller/api/client.ts';
import { createSync } from '../../controller/app/sync.ts';
import type { Tenure } from '../../controller/reconcile/lease.ts';
import { createFacade } from '../../controller/server/facade.ts';
import type { GitSource } from '../../controller/sources/git.ts';
import { StoppedError } from '../../controller/sources/git-process.ts';
import type { SourceState } from '../../controller/sources/source-record.ts';
import { settle, VirtualClock } from '../clock.ts';
import { manifestOf } from '../reconcile/harness.ts';
import { createMemorySubject } from '../store/memory.ts';

/** A source whose fetch ends when the test says so; it then declares one Bastion. */
function slowSource(api: ApiClient) {
  const fetches: ((name: string) => void)[] = [];
  const source: GitSource = {
    display: 'slow#main:',
    async sync() {
      const name = await new Promise<string>((resolve) => fetches.push(resolve));
      await api.bastions.create(manifestOf(name));
      return {
        ...{ source: 'slow#main:', state: 'synced', message: '', news: [] },
        ...{ created: [`default/${name}`], updated: [], deleted: [], unchanged: [], problems: [] },
      };
    },
  };
  return { source, fetches };
}

describe('the syncing of git sources', () => {
  let api: ApiClient;
  let held: Tenure | undefined;
  let isOwn: boolean;
  let sync: ReturnType<typeof createSync>;
  let fetches: ((name: string) => void)[];
  const log: string[] = [];
  beforeEach(() => {
    const clock = new VirtualClock();
    api = createFacade({
      store: createMemorySubject(clock).open(),
      clock,
      newUid: () => 'uid',
      isSource: true,
    });
    held = { epoch: 1 };
    isOwn = true;
    log.length = 0;
    sync = createSync({
      ...{ api, clock, lease: { held: () => held }, mayServe: () => held !== undefined && isOwn },
      log: (level, message) => log.push(`${level} ${message}`),
      open: (fenced) => {
        const slow = slowSource(fenced);
        fetches = slow.fetches;
        return () => [slow.source];
      },
    });
  });
  const names = async () => (await api.bastions.list()).items.map(({ metadata }) => metadata.name);

  it('applies what was fetched while this replica leads, and asks nobody when it does not', async () => {
    const running = sync.run();
    await settle();
    fetches[0]?.('orders');
    await running;
    expect([await names(), log]).toEqual([['orders'], ['info source synced']]);
    held = undefined;
    await sync.run();
    expect(fetches).toHaveLength(1);
  });

  it("asks nobody while it is not known whose store this is, or it is another one's", async () => {
    isOwn = false;
    await sync.run();
    expect(fetches).toEqual([]);
  });

  it.each([
    ['lost', undefined],
    ['lost and had again', { epoch: 3 }],
  ])('applies nothing that was fetched before the lease was %s, without a word', async (_, later) => {
    const running = sync.run();
    await settle();
    held = later;
    fetches[0]?.('orders');
    await running;
    expect([await names(), log]).toEqual([[], []]);
  });

  it('begins a new tenure when what an earlier one began has ended', async () => {
    const first = sync.run();
    await settle();
    held = { epoch: 3 };
    const second = sync.run();
    await settle();
    expect(fetches).toHaveLength(1);
    fetches[0]?.('old');
    await first;
    await settle();
    fetches[1]?.('new');
    await second;
    expect(await names()).toEqual(['new']);
  });
});

/** A source that counts how often it is looked at; a look ends when the test says how. */
function countedSource(display: string) {
  const looks: ((state: SourceState) => void)[] = [];
  let stopped = 0;
  const source: GitSource = {
    display,
    async sync() {
      const state = await new Promise<SourceState>((resolve, reject) => {
        looks.push((state) => resolve(state));
        stops.push(() => reject(new StoppedError('stopped')));
      });
      return {
        ...{ source: display, state, message: '', news: [] },
        ...{ created: [], updated: [], deleted: [], unchanged: ['default/orders'], problems: [] },
      };
    },
    stop: () => {
      stopped += 1;
      for (const stop of stops) stop();
    },
  };
  const stops: (() => void)[] = [];
  return { source, looks, timesStopped: () => stopped };
}

describe('several git sources', () => {
  let clock: VirtualClock;
  let held: Tenure | undefined;
  let fast: ReturnType<typeof countedSource>;
  let slow: ReturnType<typeof countedSource>;
  let present: readonly GitSource[];
  let sync: ReturnType<typeof createSync>;
  const log: string[] = [];
  beforeEach(() => {
    clock = new VirtualClock();
    held = { epoch: 1 };
    log.length = 0;
    [fast, slow] = [countedSource('fast#main'), countedSource('slow#main')];
    present = [slow.source, fast.source];
    sync = createSync({
      api: createFacade({ store: createMemorySubject(clock).open(), clock, newUid: () => 'uid' }),
      ...{ clock, lease: { held: () => held }, mayServe: () => held !== undefined },
      log: (level, message) => log.push(`${level} ${message}`),
      open: () => () => present,
    });
  });
  const poll = async () => {
    sync.poll();
    await settle();
  };
  const end = async ({ looks }: ReturnType<typeof countedSource>, state: SourceState = 'synced') => {
    looks.at(-1)?.(state);
    await settle();
  };

  it('are each polled in their own rhythm: one that takes long holds up no other, and is not begun twice', async () => {
    await poll();
    await end(fast);
    await poll();
    await end(fast);
    await poll();
    expect([slow.looks.length, fast.looks.length]).toEqual([1, 3]);
    await end(slow);
    await poll();
    expect(slow.looks.length).toBe(2);
  });

  it('are looked at once more afterwards when somebody asks while they are', async () => {
    await poll();
    const asked = sync.run();
    await settle();
    expect(slow.looks.length).toBe(1);
    await end(slow);
    await end(fast);
    expect([slow.looks.length, fast.looks.length]).toEqual([2, 2]);
    await end(slow);
    await end(fast);
    await asked;
  });

  it('that cannot be reached are tried less often, but each minute, and at once when somebody asks', async () => {
    let tries = 0;
    for (let second = 0; second < 600; second += 15) {
      await poll();
      if (slow.looks.length > tries) await end(slow, 'unreachable');
      tries = slow.looks.length;
      await clock.advance(15_000);
    }
    expect(tries).toBeGreaterThanOrEqual(10);
    expect(tries).toBeLessThanOrEqual(16);
    void sync.run();
    await settle();
    expect(slow.looks.length).toBe(tries + 1);
    await end(slow);
    await poll();
    expect(slow.looks.length).toBe(tries + 2);
  });

  it('whose look came to nothing after minutes are left alone for as long', async () => {
    await poll();
    await clock.advance(240_000);
    await end(slow, 'refused');
    await clock.advance(225_000);
    await poll();
    expect(slow.looks.length).toBe(1);
    await clock.advance(15_000);
    await poll();
    expect(slow.looks.length).toBe(2);
  });

  it('that an earlier tenure is fetching still are stopped, so that the new one need not wait', async () => {
    await poll();
    held = { epoch: 3 };
    await poll();
    expect([slow.timesStopped(), slow.looks.length, fast.looks.length]).toEqual([1, 2, 2]);
    expect(log).toEqual([]);
  });

  it('that are configured no more are stopped, and not looked at again', async () => {
    await poll();
    present = [fast.source];
    await poll();
    await end(fast);
    await poll();
    expect([slow.timesStopped(), slow.looks.length, fast.looks.length]).toEqual([1, 1, 2]);
  });

  it('are stopped at the end, without a word', async () => {
    await poll();
    await sync.end();
    expect([slow.timesStopped(), fast.timesStopped(), log]).toEqual([1, 1, []]);
  });
});
