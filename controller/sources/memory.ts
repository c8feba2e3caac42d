import type { ObjectName } from '../machinery/object.ts';

/** What a source remembers between two syncs, beside the commit in force and written with it. */
export interface SourceMemory {
  /** Full name of the ref that is followed. */
  readonly ref?: string;
  /** Digest of the declaration that each Bastion was last made or changed by. One that is gone all the same was deleted by hand. */
  readonly known: Readonly<Record<ObjectName, string>>;
  readonly removed: Readonly<Record<ObjectName, Removed>>;
  /** Paths that could not be read and may be the new place of a Bastion that is declared no more. */
  readonly doubts: Readonly<Record<ObjectName, readonly string[]>>;
  /** Whose a Bastion was that is declared here too; empty for nobody's. */
  readonly rivals: Readonly<Record<ObjectName, string>>;
}

/** A Bastion that was deleted by hand while its file declares it: it stays away until the file changes. */
export interface Removed {
  readonly digest: string;
  /** When that was seen, or when it was marked. */
  readonly at: string;
  /** Of the file that declared it. */
  readonly path?: string;
  /** Its file went missing in a rewritten history: nobody can tell whether it was changed. */
  readonly isLost?: true;
}

export const NO_MEMORY: SourceMemory = { known: {}, removed: {}, doubts: {}, rivals: {} };

/** Stands for every path that cannot be read. */
export const ANY_PLACE = '*';
/** More than people can look through one by one. */
export const MAX_PLACES = 20;
/** Leaves room in one object of the store for all that is beside it. */
const MAX_BYTES = 200 * 1024;

/** Only what fits into the store. What a person has closed is kept to the last, the newest first. */
export function bounded(memory: SourceMemory): SourceMemory {
  if (fits(memory)) return memory;
  const names = Object.keys(memory.doubts);
  const vague = { ...memory, doubts: Object.fromEntries(names.map((name) => [name, [ANY_PLACE]])) };
  if (fits(vague)) return vague;
  const short = { ...vague, known: {}, rivals: {} };
  const newest = Object.entries(memory.removed).sort(([, a], [, b]) => (a.at < b.at ? 1 : -1));
  for (let count = newest.length; count > 0; count = Math.floor(count / 2)) {
    const fewer = { ...short, removed: Object.fromEntries(newest.slice(0, count)) };
    if (fits(fewer)) return fewer;
  }
  return { ...NO_MEMORY, ...(memory.ref !== undefined && { ref: memory.ref }) };
}

/** What the source has deleted itself was not deleted by hand. */
export function without(memory: SourceMemory, deleted: readonly ObjectName[]): SourceMemory {
  const known = Object.entries(memory.known).filter(([name]) => !deleted.includes(name as ObjectName));
  return { ...memory, known: Object.fromEntries(known) };
}

function fits(memory: SourceMemory): boolean {
  return Buffer.byteLength(JSON.stringify(memory)) <= MAX_BYTES;
}
