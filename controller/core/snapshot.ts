import { type Facts, NO_FACTS } from './facts.ts';
import type { Key, KindName, Lookup, Observed } from './resource.ts';

/** All resources of one kind in a scope, listed to the end. */
export interface Part {
  readonly resources: readonly Observed[];
  /** When the list was read, epoch milliseconds. */
  readonly observedAt: number;
  /** Counts the lists of this kind: two different numbers are two different looks at AWS. */
  readonly sequence: number;
}

/**
 * What is known of one scope. A kind that could not be listed keeps no part: unknown is not absent, so nothing of that
 * kind is created, changed or deleted.
 */
export interface Snapshot {
  readonly parts: ReadonlyMap<KindName, Part>;
  readonly facts: Facts;
  /** Why a kind, or the facts, could not be read in this pass. */
  readonly failures: ReadonlyMap<KindName | 'facts', string>;
  /** Safeguards that AWS does not let us have here, and why: nothing of them is known, and nobody waits for it. */
  readonly refusals?: ReadonlyMap<KindName, string>;
  /** Since when a safeguard cannot be listed although nothing refuses it (epoch milliseconds): it may stand, unseen. */
  readonly silentSince?: ReadonlyMap<KindName, number>;
  /** Kinds that were listed anew for this pass. */
  readonly fresh: ReadonlySet<KindName>;
  /** Ended sessions that began after this were listed as well, if sessions were; undefined: none were. */
  readonly endedSince?: number | undefined;
}

export const EMPTY_SNAPSHOT: Snapshot = {
  parts: new Map(),
  facts: NO_FACTS,
  failures: new Map(),
  fresh: new Set(),
};

export function isComplete(snapshot: Snapshot, kinds: readonly KindName[]): boolean {
  return snapshot.failures.size === 0 && kinds.every((kind) => snapshot.fresh.has(kind));
}

export function knows(snapshot: Snapshot, kind: KindName): boolean {
  return snapshot.parts.has(kind) && !snapshot.failures.has(kind);
}

/** Every observed resource, our own and adopted ones, by key. */
export function indexByKey(snapshot: Snapshot): ReadonlyMap<Key, readonly Observed[]> {
  const index = new Map<Key, Observed[]>();
  for (const part of snapshot.parts.values()) {
    for (const resource of part.resources) {
      const present = index.get(resource.key);
      if (present) present.push(resource);
      else index.set(resource.key, [resource]);
    }
  }
  return index;
}

const STATE_RANK = { ready: 0, pending: 1, failed: 2, deleting: 3, gone: 4 } as const;

/** The one to keep of several with the same key: the most alive, then the smallest id, so that every replica agrees. */
export function preferred(resources: readonly Observed[]): Observed | undefined {
  return [...resources].sort(
    (a, b) => STATE_RANK[a.state] - STATE_RANK[b.state] || (a.id < b.id ? -1 : 1),
  )[0];
}

export function lookupIn(index: ReadonlyMap<Key, readonly Observed[]>): Lookup {
  return (key) => preferred((index.get(key) ?? []).filter((resource) => resource.owned));
}
