import { isDeepStrictEqual } from 'node:util';
import { API_VERSION } from '../api/bastion.ts';
import { type Clock, rfc3339 } from '../api/clock.ts';
import { type KubeObject, type ObjectName, SYSTEM_NAMESPACE } from '../api/object.ts';
import type { Store } from '../store/store.ts';
import { type GitSpec, sourceId } from './git-spec.ts';
import type { SourceMemory } from './memory.ts';

/**
 * synced: the ref's newest commit is in force. Everything else deletes nothing: unreachable (network, login), gone (the ref does
 * not exist), emptied (no manifest where there were some), rewritten (history does not follow from what was synced last),
 * refused (more files than allowed), untrusted (a commit is not signed as the source's policy asks).
 */
export type SourceState =
  | 'synced'
  | 'unreachable'
  | 'gone'
  | 'emptied'
  | 'rewritten'
  | 'refused'
  | 'untrusted';

export interface SourceStatus {
  readonly state: SourceState;
  readonly message: string;
  /** The last one in force. */
  readonly commit?: string;
  /** From which its history was verified, where signatures are asked for. */
  readonly trustedCommit?: string;
  /** When it came into force. */
  readonly lastSyncedAt?: string;
  /** Bastions that went missing in a rewritten history: kept until somebody deletes them or they are declared again. */
  readonly withheld?: readonly ObjectName[];
}

export interface GitSource extends KubeObject {
  readonly kind: 'GitSource';
  readonly spec: { readonly source: string };
  readonly status: SourceStatus;
  /** The controller's own; left out until the first commit is in force. */
  readonly memory?: SourceMemory;
}

export async function readSource(store: Store, spec: GitSpec): Promise<GitSource | undefined> {
  return store.get<GitSource>('sources', `${SYSTEM_NAMESPACE}/${sourceId(spec)}`);
}

/** Whether another source has made this Bastion, and has not deleted it since. */
export async function isKnownElsewhere(store: Store, source: string, name: ObjectName): Promise<boolean> {
  const { items } = await store.list<GitSource>('sources');
  const memory = items.find(({ spec }) => spec.source === source)?.memory;
  return memory?.known[name] !== undefined || memory?.removed[name] !== undefined;
}

/** Writes only what has changed. */
export async function writeSource(
  { store, clock, spec }: { readonly store: Store; readonly clock: Clock; readonly spec: GitSpec },
  stored: GitSource | undefined,
  status: SourceStatus,
  memory: SourceMemory | undefined,
): Promise<void> {
  const next = { status, ...(memory && { memory }) };
  if (stored && isDeepStrictEqual({ status: stored.status, memory: stored.memory }, { memory, ...next }))
    return;
  const name = sourceId(spec);
  const created = {
    apiVersion: API_VERSION,
    kind: 'GitSource' as const,
    metadata: {
      ...{ name, namespace: SYSTEM_NAMESPACE, uid: name, resourceVersion: '', generation: 1 },
      creationTimestamp: rfc3339(clock.now()),
    },
    spec: { source: spec.display },
  };
  await store.put<GitSource>(
    'sources',
    { ...(stored ?? created), ...next },
    stored?.metadata.resourceVersion,
  );
}
