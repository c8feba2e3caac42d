import type { LeaseRecord } from '../../../controller/store/store.ts';
import type { OracleFactory } from '../oracle.ts';

/** How long a call may be on its way. */
const UNDER_WAY_MS = 1_000;

/** Only who holds the lease acts, and each tenure has a number above the one before. */
export const oneLeader: OracleFactory = ({ now, violate }) => {
  let current: LeaseRecord | undefined;
  let highest = 0;
  /** When each holder saw its tenure ended by another one that took over in its turn. */
  const endedAt = new Map<string, number>();
  return {
    name: 'one-leader',
    onLease: (next, isForced) => {
      if (isForced && next.epoch === 0) highest = 0;
      const isNew = next.holder !== current?.holder && next.holder !== '';
      if (isNew && next.epoch <= highest)
        violate('one-leader', `${next.holder} begins epoch ${next.epoch} after epoch ${highest}`);
      // One that is replaced out of turn learns of it only when it renews.
      if (isNew && current?.holder && !isForced) endedAt.set(current.holder, now());
      if (isNew) endedAt.delete(next.holder);
      highest = Math.max(highest, next.epoch);
      current = next;
    },
    onCall: ({ target, caller, name }) => {
      const ended = endedAt.get(caller.name);
      if (target === 'aws' && ended !== undefined && now() - ended > UNDER_WAY_MS)
        violate(
          'one-leader',
          `${caller.name} calls ${name} ${now() - ended} ms after ${current?.holder} took over`,
        );
    },
  };
};
