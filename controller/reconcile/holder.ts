import { type Clock, sleep } from '../machinery/clock.ts';
import type { Store } from '../store/store.ts';
import { NOBODY } from './lease.ts';

/** One for each table, whatever the installation: two controllers must never act on one table. */
export const LEASE_NAME = 'controller';
const LOOK_MS = 1_000;

export interface HolderOptions {
  readonly store: Pick<Store, 'readLease'>;
  readonly clock: Clock;
  /** Told whose sign of life is waited for. */
  readonly tell: (holder: string) => void;
}

/** Who leads, if anybody does: one that is silent is waited for as long as a contender would wait. */
export async function findHolder({ store, clock, tell }: HolderOptions): Promise<string | undefined> {
  const first = await store.readLease(LEASE_NAME);
  if (!first || first.holder === NOBODY) return undefined;
  const [name = first.holder] = first.holder.split('/');
  tell(name);
  for (const end = clock.monotonic() + first.durationMs; clock.monotonic() < end; ) {
    await sleep(clock, LOOK_MS);
    const now = await store.readLease(LEASE_NAME);
    if (!now || now.holder === NOBODY) return undefined;
    if (now.epoch !== first.epoch || now.beat !== first.beat) return now.holder.split('/')[0];
  }
  return undefined;
}
