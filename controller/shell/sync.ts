import type { ApiClient } from '../api/client.ts';
import { type Clock, sleep } from '../api/clock.ts';
import { fenceWrites } from '../api/fence.ts';
import { type Lease, whileHeld } from '../reconcile/lease.ts';
import type { Log } from '../reconcile/manager.ts';
import type { GitSource } from '../sources/git.ts';
import { createSourceLog, type SourceLogOptions } from './source-log.ts';

export interface SyncOptions {
  readonly api: ApiClient;
  /**
   * Answers what tells the sources there are now, each the same object as long as it is the same source. They write through the
   * API they are given, and elsewhere only as long as they may.
   */
  readonly open: (api: ApiClient, mayWrite: () => boolean) => () => readonly GitSource[];
  readonly lease: Pick<Lease, 'held'>;
  /** Whether this replica leads, over a store that is known to be its own. */
  readonly mayServe: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly onSync?: SourceLogOptions['onSync'];
  readonly speed?: number;
}

export interface Sync {
  /** Looks at all sources at once, if it may. */
  readonly run: () => Promise<void>;
  /** Waits for what is under way, a little. */
  readonly end: () => Promise<void>;
}

/** A git that hangs is not waited for at the end. */
const LAST_SYNC_MS = 5_000;

/**
 * What a tenure fetched is applied in that tenure or never: by the next one another replica may have applied a newer commit, and
 * the older one would delete what that declares.
 */
export function createSync({ api, open, lease, mayServe, clock, log, onSync, speed = 1 }: SyncOptions): Sync {
  let mayWrite = () => false;
  const mayWriteNow = () => mayWrite();
  const sources = open(fenceWrites(api, mayWriteNow), mayWriteNow);
  const logs = new WeakMap<GitSource, ReturnType<typeof createSourceLog>>();
  const syncOne = (source: GitSource) => {
    const sync = logs.get(source) ?? createSourceLog({ clock, log, onSync });
    logs.set(source, sync);
    return sync(source);
  };
  const running = new Set<Promise<unknown>>();
  const run = async () => {
    while (running.size > 0 && !mayWrite()) await Promise.allSettled(running);
    if (!mayServe()) return;
    if (!mayWrite()) mayWrite = whileHeld(lease);
    const all = Promise.all(sources().map(syncOne));
    running.add(all);
    await all.finally(() => running.delete(all));
  };
  const end = async () => {
    const ended = new AbortController();
    await Promise.race([Promise.all(running), sleep(clock, LAST_SYNC_MS * speed, ended.signal)]);
    ended.abort();
  };
  return { run, end };
}
