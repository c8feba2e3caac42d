import { admitBastion } from '../api/admission.ts';
import { ANNOTATION } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Estate } from '../api/estate.ts';
import { type ObjectName, objectName } from '../api/object.ts';
import type { GitSpec } from './git-spec.ts';
import type { Admit } from './judging.ts';

interface Desk {
  readonly api: ApiClient;
  readonly spec: GitSpec;
  /** What the configuration of the controller says now; left out where there is none. */
  readonly estate?: () => Estate;
}

/** As the API will: a Bastion that is there keeps the network it was given. */
export async function createAdmit({ api, estate }: Desk): Promise<Admit> {
  if (!estate) return (object) => ({ ok: true, object });
  const { items } = await api.bastions.list();
  const stored = new Map(items.map((bastion) => [objectName(bastion), bastion]));
  return (manifest, name) => admitBastion(estate(), manifest, stored.get(name));
}

export async function readPlaces({ api, spec }: Desk): Promise<ReadonlyMap<ObjectName, string>> {
  const { items } = await api.bastions.list();
  const own = items.filter(({ metadata }) => metadata.annotations?.[ANNOTATION.source] === spec.display);
  return new Map(
    own.map((one) => [objectName(one), one.metadata.annotations?.[ANNOTATION.sourcePath] ?? '']),
  );
}
