import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../controller/api/client.ts';
import type { Tenure } from '../../controller/reconcile/lease.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { createSync } from '../../controller/shell/sync.ts';
import type { GitSource } from '../../controller/sources/git.ts';
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
