import { isDeepStrictEqual } from 'node:util';
import { API_VERSION, SYSTEM_NAMESPACE } from '../api/bastion.ts';
import { reasonOf, type SourceState } from '../api/git-source.ts';
import { type Clock, rfc3339 } from '../machinery/clock.ts';
import type { KubeObject, ObjectName } from '../machinery/object.ts';
import type { Store } from '../store/store.ts';
import type { Problem } from './declared.ts';
import { type GitSpec, sourceId } from './git-spec.ts';
import type { SourceMemory } from './memory.ts';

export type { SourceState } from '../api/git-source.ts';

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

/** What is shown of it besides. */
export interface ShownStatus extends SourceStatus {
  /** When it came to be in this state. */
  readonly since?: string;
  readonly lastSuccessAt?: string;
  readonly problemCount?: number;
  readonly problems?: readonly Problem[];
  readonly conditions?: readonly SyncedCondition[];
}

interface SyncedCondition {
  readonly type: 'Synced';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

export interface GitSource extends KubeObject {
  readonly kind: 'GitSource';
  readonly spec: { readonly source: string };
  readonly status: ShownStatus;
  /** The controller's own; left out until the first commit is in force. */
  readonly memory?: SourceMemory;
}

/** What only moves while nothing happens is written this seldom. */
const REFRESH_MS = 5 * 60_000;
const MAX_PROBLEMS = 20;
const MAX_PROBLEM_CHARACTERS = 500;
/** The commit that the ref names is in force. */
const READ: readonly SourceState[] = ['synced', 'rewritten'];

export async function readSource(store: Store, spec: GitSpec): Promise<GitSource | undefined> {
  return store.get<GitSource>('sources', `${SYSTEM_NAMESPACE}/${sourceId(spec)}`);
}

/** Whether another source has made this Bastion, and has not deleted it since. */
export async function isKnownElsewhere(store: Store, source: string, name: ObjectName): Promise<boolean> {
  const { items } = await store.list<GitSource>('sources');
  const memory = items.find(({ spec }) => spec.source === source)?.memory;
  return memory?.known[name] !== undefined || memory?.removed[name] !== undefined;
}

/** Writes only what has changed. @returns what was written, where the source came to be in another state */
export async function writeSource(
  { store, clock, spec }: { readonly store: Store; readonly clock: Clock; readonly spec: GitSpec },
  stored: GitSource | undefined,
  { status, problems, memory }: Omit<Look, 'now'> & { readonly memory: SourceMemory | undefined },
): Promise<GitSource | undefined> {
  const shown = shownStatus(stored?.status, { status, problems, now: clock.now() });
  const isRemembered = isDeepStrictEqual(stored?.memory, memory);
  if (stored && isRemembered && !isWorthWriting(stored.status, shown, clock.now())) return undefined;
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
  const next: GitSource = { ...(stored ?? created), status: shown, ...(memory && { memory }) };
  const written = await store.put<GitSource>('sources', next, stored?.metadata.resourceVersion);
  return stored?.status.state === status.state ? undefined : written;
}

/** Those that the configuration does not name any more are shown as that, and keep all that is known of them. */
export async function markUnconfigured(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  configured: ReadonlySet<string>,
): Promise<readonly GitSource[]> {
  const { items } = await store.list<GitSource>('sources');
  const left = items.filter(
    ({ spec, status }) => !configured.has(spec.source) && status.state !== 'unconfigured',
  );
  return Promise.all(
    left.map((source) => {
      const { problems: _none, problemCount: _nor, ...before } = source.status;
      const message = `The configuration of the controller does not name ${source.spec.source} any more. Its Bastions are withheld: nothing new opens for them.`;
      const status = { ...before, state: 'unconfigured' as const, message };
      const shown = shownStatus(source.status, { status, problems: [], now: clock.now() });
      return store.put<GitSource>('sources', { ...source, status: shown }, source.metadata.resourceVersion);
    }),
  );
}

interface Look {
  readonly status: SourceStatus;
  readonly problems: readonly Problem[];
  readonly now: number;
}

function shownStatus(before: ShownStatus | undefined, { status, problems, now }: Look): ShownStatus {
  const { state, message } = status;
  const at = rfc3339(now);
  const since = before?.state === state ? (before.since ?? at) : at;
  const lastSuccessAt = READ.includes(state) ? at : before?.lastSuccessAt;
  const synced = state === 'synced' ? 'True' : 'False';
  const [condition] = before?.conditions ?? [];
  const lastTransitionTime = condition?.status === synced ? condition.lastTransitionTime : at;
  return {
    ...status,
    since,
    ...(lastSuccessAt !== undefined && { lastSuccessAt }),
    problemCount: problems.length,
    ...(problems.length > 0 && { problems: problems.slice(0, MAX_PROBLEMS).map(clip) }),
    conditions: [{ type: 'Synced', status: synced, reason: reasonOf(state), message, lastTransitionTime }],
  };
}

function clip({ path, message }: Problem): Problem {
  const clipped = { message: message.slice(0, MAX_PROBLEM_CHARACTERS) };
  return path === undefined ? clipped : { path: path.slice(0, MAX_PROBLEM_CHARACTERS), ...clipped };
}

/** A poll that finds what was found before writes nothing: neither that it was there, nor other words for the same. */
function isWorthWriting(before: ShownStatus, after: ShownStatus, now: number): boolean {
  const told = (status: ShownStatus) => {
    const { lastSuccessAt: _when, conditions: _same, problems = [], message, ...rest } = status;
    const isUnreachable = status.state === 'unreachable';
    return {
      ...rest,
      message: isUnreachable ? message.replace(/\d+/g, '#') : message,
      paths: isUnreachable ? [] : problems.map(({ path }) => path),
    };
  };
  if (!isDeepStrictEqual(told(before), told(after))) return true;
  if (isDeepStrictEqual(before, after)) return false;
  const writtenAt = before.lastSuccessAt ?? before.since ?? '';
  const isOld = !(now - Date.parse(writtenAt) < REFRESH_MS);
  return READ.includes(after.state) && isOld;
}
