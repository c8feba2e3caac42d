import type { Bastion } from '../api/bastion.ts';
import { type ObjectName, objectName } from '../api/object.ts';
import type { Life } from '../core/lifetime.ts';
import { MAX_OBJECT_BYTES } from '../store/log.ts';

/** Bastions whose status the store refuses, in whatever form: nobody could see what they hold. */
export type Unstored = ReadonlyMap<ObjectName, { readonly resourceVersion: string; readonly why: string }>;

/** @param refused by `publish` */
export function unstoredAfter(
  bastions: readonly Bastion[],
  refused: ReadonlyMap<ObjectName, string>,
  before: Unstored = new Map(),
): Unstored {
  const after = bastions.flatMap((bastion): [ObjectName, { resourceVersion: string; why: string }][] => {
    const name = objectName(bastion);
    const { resourceVersion } = bastion.metadata;
    const known = before.get(name);
    const why = refused.get(name) ?? (known?.resourceVersion === resourceVersion ? known.why : undefined);
    return why === undefined ? [] : [[name, { resourceVersion, why }]];
  });
  return new Map(after);
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
