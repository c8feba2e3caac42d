import type { Bastion, BastionStatus } from '../api/bastion.ts';
import type { Life } from '../core/lifetime.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { MAX_OBJECT_BYTES } from '../store/log.ts';

/** Bastions whose status the store refuses, in whatever form: nobody can see what they hold. */
export type Unstored = ReadonlyMap<ObjectName, Untold>;

interface Untold {
  readonly resourceVersion: string;
  readonly why: string;
  /** What could not be stored: the next look goes on from it, so that the Bastion is torn down and let go like any other. */
  readonly status: BastionStatus;
}

/** @param refused by `publish`, of what was to be told */
export function unstoredAfter(
  bastions: readonly Bastion[],
  told: ReadonlyMap<ObjectName, BastionStatus>,
  refused: ReadonlyMap<ObjectName, string>,
): Unstored {
  const after = bastions.flatMap((bastion): [ObjectName, Untold][] => {
    const name = objectName(bastion);
    const [why, status] = [refused.get(name), told.get(name)];
    const { resourceVersion } = bastion.metadata;
    return why === undefined || !status ? [] : [[name, { resourceVersion, why, status }]];
  });
  return new Map(after);
}

/** As if what could not be stored had been, as long as nobody has changed the Bastion since. */
export function withUntold(bastions: readonly Bastion[], unstored: Unstored = new Map()): readonly Bastion[] {
  return bastions.map((bastion) => {
    const untold = unstored.get(objectName(bastion));
    const isSame = untold?.resourceVersion === bastion.metadata.resourceVersion;
    return untold && isSame ? { ...bastion, status: untold.status } : bastion;
  });
}

/** What cannot be told of is closed, and does not open, until somebody makes the Bastion smaller. */
export function closeUnstored(
  bastions: readonly Bastion[],
  lives: ReadonlyMap<ObjectName, Life>,
  unstored: Unstored = new Map(),
): ReadonlyMap<ObjectName, Life> {
  const closed = bastions.flatMap((bastion): [ObjectName, Life][] => {
    const name = objectName(bastion);
    if (lives.get(name)?.state !== 'active') return [];
    const known = unstored.get(name);
    const why = known?.resourceVersion === bastion.metadata.resourceVersion ? known.why : noRoomFor(bastion);
    return why === undefined
      ? []
      : [[name, { state: 'invalid', message: `its status cannot be stored: ${why}` }]];
  });
  return closed.length === 0 ? lives : new Map([...lives, ...closed]);
}

/** The least that is said of a Bastion with all its targets. */
const LEAST_STATUS_BYTES = 16 * 1024;

/** Looked at only before the first status: from then on the store tells. */
function noRoomFor(bastion: Bastion): string | undefined {
  if (bastion.status?.activatedAt !== undefined) return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(bastion));
  if (bytes + LEAST_STATUS_BYTES <= MAX_OBJECT_BYTES) return undefined;
  return `the Bastion takes ${bytes} bytes and the store holds ${MAX_OBJECT_BYTES} an object, its status included; make it smaller`;
}
