import type { Change } from './store.ts';

export interface RingLimits {
  readonly changes: number;
  /** Of the objects as JSON: a few large objects must not take the memory that many small ones may. */
  readonly characters: number;
}

/** The newest changes, without a gap: as many as the limits allow, and never fewer than one. */
export interface Ring {
  /** Changes after this revision are here, as far as there are any. */
  readonly start: number;
  readonly end: number;
  /** @param change that of revision `end + 1` */
  push(change: Change): void;
  at(revision: number): Change | undefined;
}

interface Slot {
  readonly change: Change;
  readonly characters: number;
}

/** @param from the revision before the first change that will be pushed */
export function createRing(from: number, limits: RingLimits): Ring {
  const slots = new Map<number, Slot>();
  let start = from;
  let end = from;
  let characters = 0;

  function dropOldest(): void {
    start++;
    characters -= slots.get(start)?.characters ?? 0;
    slots.delete(start);
  }

  return {
    get start() {
      return start;
    },
    get end() {
      return end;
    },
    push(change) {
      if (change.revision !== end + 1) {
        throw new Error(`Revision ${change.revision} came after ${end}: a change is missing.`);
      }
      const slot = { change, characters: JSON.stringify(change.object).length };
      end = change.revision;
      slots.set(end, slot);
      characters += slot.characters;
      while (end - start > 1 && (slots.size > limits.changes || characters > limits.characters)) dropOldest();
    },
    at: (revision) => slots.get(revision)?.change,
  };
}
