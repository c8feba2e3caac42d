import { admitBastion } from '../api/admission.ts';
import { ANNOTATION, type Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Estate } from '../api/estate.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import type { GitSpec } from './git-spec.ts';
import type { Admit } from './judging.ts';
import { NO_MEMORY, type SourceMemory } from './memory.ts';
import type { Known } from './rivals.ts';

export type StoredBastions = ReadonlyMap<ObjectName, Bastion>;

export async function readStored(api: ApiClient): Promise<StoredBastions> {
  const { items } = await api.bastions.list();
  return new Map(items.map((bastion) => [objectName(bastion), bastion]));
}

/**
 * As the API will: a Bastion that is there keeps the network it was given.
 *
 * @param estate what the configuration of the controller says now; left out where there is none
 */
export function createAdmit(stored: StoredBastions, estate: (() => Estate) | undefined): Admit {
  if (!estate) return (object) => ({ ok: true, object });
  return (manifest, name) => admitBastion(estate(), manifest, stored.get(name));
}

/** What is on record of a source's Bastions, of those too that somebody has deleted by hand. */
export function knownBastions(
  stored: StoredBastions,
  { display }: GitSpec,
  { known, removed, doubts }: SourceMemory = NO_MEMORY,
): ReadonlyMap<ObjectName, Known> {
  const found = new Map<ObjectName, Known>();
  for (const name of [...Object.keys(known), ...Object.keys(removed)] as ObjectName[]) {
    const { path, digest = known[name] } = removed[name] ?? {};
    if (!stored.has(name)) found.set(name, { path, digest, doubts: doubts[name] });
  }
  for (const [name, { metadata }] of stored) {
    const { annotations = {} } = metadata;
    const path = annotations[ANNOTATION.sourcePath];
    const digest = annotations[ANNOTATION.sourceDigest] ?? known[name];
    // One that was handed over comes from no file yet.
    if (annotations[ANNOTATION.source] === display && path !== undefined)
      found.set(name, { path, digest, doubts: doubts[name] });
  }
  return found;
}
