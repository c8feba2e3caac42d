import { join } from 'node:path';
import type { ApiClient } from '../api/client.ts';
import type { Estate } from '../api/estate.ts';
import { recordEvent } from '../api/event-record.ts';
import { confirmHint } from '../api/guard.ts';
import { type GuardNews, tripGuard } from '../api/guard-record.ts';
import { type Clock, rfc3339 } from '../machinery/clock.ts';
import type { ObjectName } from '../machinery/object.ts';
import type { Store } from '../store/store.ts';
import { type Applied, applyDeclarations } from './apply.ts';
import { contentsAt, createFailureFinder, findObstacles } from './contents.ts';
import { createReader } from './declarations.ts';
import type { Declarations, Problem } from './declared.ts';
import { createDoubts } from './doubts.ts';
import { type GitSpec, parseGitSpec, sourceId } from './git-spec.ts';
import { createKeeper } from './keeper.ts';
import { failureOf } from './look-failure.ts';
import { type SourceMemory, without } from './memory.ts';
import { remember } from './remember.ts';
import { openRepository, type Repository, type TreeEntry } from './repository.ts';
import { createVerifier, type SignaturePolicy, UntrustedError, type Verify } from './signatures.ts';
import {
  readSourceGuard,
  type SourceGuard,
  settleSourceGuard,
  sourceTrip,
  untrustedTrip,
} from './source-guard.ts';
import {
  type GitSource as GitSourceRecord,
  isKnownElsewhere,
  readSource,
  type SourceState,
  type SourceStatus,
  writeSource,
} from './source-record.ts';
import { describe, eventOf, memoryText, untrustedText } from './source-text.ts';
import { createAdmit, knownBastions, readStored } from './stored.ts';
import type { SyncReport } from './sync-report.ts';
import { tripUnread } from './unread-guard.ts';

export interface GitSourceOptions {
  /** `URL[#ref][:path]` */
  readonly spec: string;
  readonly api: ApiClient;
  /** Remembers what was synced, in the collection `sources`. */
  readonly store: Store;
  readonly clock: Clock;
  /** How much faster than life the clock runs. */
  readonly speed?: number | undefined;
  /** Holds one bare repository a source. May be lost at any time. */
  readonly cacheDir: string;
  /** The process's environment, for git's PATH, HOME, proxies and keys. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of manifests that name none. */
  readonly namespace?: string;
  /** What the configuration of the controller says now; left out where there is none. */
  readonly estate?: () => Estate;
  /** Left out: whoever may push to the ref is trusted. */
  readonly signatures?: SignaturePolicy;
  /** How the repository is reached: by the git program unless said otherwise. */
  readonly open?: typeof openRepository;
}

export type { SyncReport } from './sync-report.ts';

export interface GitSource {
  /** `URL#ref:path`, without credentials. */
  readonly display: string;
  /** Fetches and applies; calls that overlap take turns. @throws when the store or the API does not answer. */
  sync(): Promise<SyncReport>;
  /** Ends what is being fetched or read just now. @throws StoppedError from `sync` */
  stop?(): void;
}

const NOTHING: Applied = {
  ...{ created: [], updated: [], deleted: [], unchanged: [], kept: [], failed: [], problems: [] },
  ...{ notes: [], undeclared: [], known: {}, removed: {}, rivals: {} },
};

/** @throws GitSpecError */
export function createGitSource(options: GitSourceOptions): GitSource {
  const { cacheDir, clock, speed, env, namespace, signatures: policy, open = openRepository } = options;
  const spec = parseGitSpec(options.spec);
  // What was fetched before signatures were asked for was not looked at as closely.
  const dir = join(cacheDir, `${sourceId(spec)}${policy ? '.signed' : ''}.git`);
  const repository = open({ spec, env, dir, clock, speed, isStrict: policy !== undefined });
  const verify =
    policy && suspecting(repository, createVerifier({ policy, path: spec.path, clock, env, dir }));
  const read = createReader(repository, namespace);
  let queue: Promise<unknown> = Promise.resolve();
  return {
    display: spec.display,
    sync() {
      const result = queue.then(() => sync({ ...options, spec, repository, read, verify }));
      queue = result.catch(() => undefined);
      return result;
    },
    stop: () => repository.stop?.(),
  };
}

/** Signatures are read past the repository, and from the same cache: it is told why they could not be. */
function suspecting(repository: Repository, verify: Verify): Verify {
  return async (head, accepted) => {
    try {
      await verify(head, accepted);
    } catch (error) {
      if (error instanceof UntrustedError) repository.suspect?.(error.cause);
      throw error;
    }
  };
}

interface Parts extends Omit<GitSourceOptions, 'spec'> {
  readonly spec: GitSpec;
  readonly repository: Repository;
  readonly read: ReturnType<typeof createReader>;
  readonly verify: Verify | undefined;
}

async function sync(parts: Parts): Promise<SyncReport> {
  const record = await readSource(parts.store, parts.spec);
  let commit: string | undefined;
  try {
    commit = await parts.repository.fetch(record?.memory?.ref);
    // First of all, since it ends at what is too much: what changed is not looked at there.
    const tree = await parts.repository.tree(commit);
    await parts.verify?.(commit, record?.status ?? {});
    const last = record?.status.commit;
    const before = last === undefined ? undefined : await contentsAt(parts.repository, last);
    const stored = await readStored(parts.api);
    const doubtsIn = (unreadable: Declarations['unreadable']) =>
      createDoubts({ unreadable, before, doubts: record?.memory?.doubts ?? {} });
    const known = knownBastions(stored, parts.spec, record?.memory);
    const admit = createAdmit(stored, parts.estate);
    const declarations = await parts.read(commit, tree, { admit, doubtsIn, known });
    const doubts = doubtsIn(declarations.unreadable);
    const paths = [...known.values()].map(({ path }) => path);
    const obstacles = await findObstacles(parts.repository, commit, tree, paths);
    const entries = [...tree, ...obstacles];
    return await apply(parts, record, { commit, tree: entries, declarations, before, doubts });
  } catch (error) {
    if (error instanceof UntrustedError) return concludeUntrusted(parts, record, commit, error);
    const failure = failureOf(error, parts.spec);
    if (failure === undefined) throw error;
    const { state, message } = failure;
    const news = await tripUnread(parts, record, state);
    return conclude(parts, record, {
      ...{ state, message, commit, applied: NOTHING, problems: [{ message }], news },
    });
  }
}

interface Look {
  readonly commit: string;
  readonly tree: readonly TreeEntry[];
  readonly declarations: Declarations;
  /** Content of every path at the commit that was in force before; undefined when nobody knows. */
  readonly before: ReadonlyMap<string, string> | undefined;
  readonly doubts: ReturnType<typeof createDoubts>;
}

async function apply(
  parts: Parts,
  record: GitSourceRecord | undefined,
  { commit, tree, declarations, before, doubts: { placesOf, textOf } }: Look,
): Promise<SyncReport> {
  const { api, clock, spec, repository, store } = parts;
  const { declared, failures } = declarations;
  const guard = await readSourceGuard(parts, spec);
  const last = record?.status.commit;
  const isEmptied = declared.size === 0 && failures.every(({ isBlank }) => isBlank);
  const isRewritten = last !== undefined && !(await repository.isAncestor(last, commit));
  const withheld = new Set(record?.status.withheld);
  const keep = createKeeper({ guard, isEmptied, isRewritten, placesOf, textOf, withheld });
  const failureAt = createFailureFinder(tree, failures);
  const nowMs = clock.now();
  const applied = await applyDeclarations({
    ...{ api, declarations, keep, failureAt, source: spec.display, nowMs, memory: record?.memory },
    isOld: ({ path, blob }) => before === undefined || before.get(path) === blob,
    isClosedElsewhere: async (name, rival) => rival === '' || isKnownElsewhere(store, rival, name),
  });
  const left = [...applied.kept, ...applied.failed];
  if (isEmptied && left.length > 0) return concludeEmptied(parts, record, { commit, applied, guard, left });
  const stillWithheld = left.filter((name) => isRewritten || withheld.has(name));
  const trip = stillWithheld.length > 0 ? sourceTrip('SourceRewritten', spec, stillWithheld) : undefined;
  const names = new Set<string>(declared.keys());
  const news = await settleSourceGuard(parts, guard, trip, (name) => names.has(name));
  const resolved = repository.resolved();
  const memory = remember({
    ...{ memory: record?.memory, applied, declarations, placesOf, failureAt, isRewritten, nowMs },
    ref: resolved?.ref,
  });
  const problems = [
    ...[resolved?.notice, memoryText(applied, memory)].flatMap((message) => (message ? [{ message }] : [])),
    ...declarations.problems,
    ...applied.problems,
  ];
  const state = trip ? 'rewritten' : 'synced';
  const message = describe(spec, {
    ...{ declared: declared.size, problems: problems.length, withheld: stillWithheld },
    removed: Object.keys(memory.removed),
    doubted: applied.undeclared.filter((name) => memory.doubts[name] !== undefined),
  });
  return conclude(parts, record, {
    ...{ state, message, commit, applied, problems, news, memory },
    ...{ inForce: commit, withheld: stillWithheld },
  });
}

interface Emptied {
  readonly commit: string;
  readonly applied: Applied;
  readonly guard: SourceGuard;
  /** What it held and what is there still. */
  readonly left: readonly ObjectName[];
}

/** An empty source never comes into force before everything it held is gone: whatever comes back is then no news. */
async function concludeEmptied(
  parts: Parts,
  record: GitSourceRecord | undefined,
  { commit, applied, guard, left }: Emptied,
): Promise<SyncReport> {
  const trip = sourceTrip('SourceEmptied', parts.spec, left);
  const news = await settleSourceGuard(parts, guard, trip, () => false);
  const message = `${trip.message} ${confirmHint(guard.name)}`;
  return conclude(parts, record, {
    ...{ state: 'emptied', message, commit, applied, problems: [{ message }], news },
    ...(record?.memory && { memory: without(record.memory, applied.deleted) }),
  });
}

/** Everything stays as it was at the commit in force, for as long as its Bastions live. */
async function concludeUntrusted(
  parts: Parts,
  record: GitSourceRecord | undefined,
  commit: string | undefined,
  error: UntrustedError,
): Promise<SyncReport> {
  const { api, clock, spec } = parts;
  const message = untrustedText(spec, record?.status.commit, error.message);
  const { name, guard } = await readSourceGuard(parts, spec);
  const news = await tripGuard({ api, now: clock.now() }, name, guard, untrustedTrip(message));
  return conclude(parts, record, {
    ...{ state: 'untrusted', message, commit, applied: NOTHING, problems: [{ message }], news },
  });
}

interface Conclusion {
  readonly state: SourceState;
  readonly message: string;
  readonly commit: string | undefined;
  readonly applied: Applied;
  readonly problems: readonly Problem[];
  /** The commit that now is in force, when one is. */
  readonly inForce?: string;
  readonly withheld?: readonly ObjectName[];
  /** Left out where that stays as it was. */
  readonly memory?: SourceMemory;
  readonly news?: readonly GuardNews[];
}

async function conclude(
  { api, store, clock, spec, signatures }: Parts,
  record: GitSourceRecord | undefined,
  {
    state,
    message,
    commit,
    applied,
    problems,
    inForce,
    withheld,
    memory = record?.memory,
    news = [],
  }: Conclusion,
): Promise<SyncReport> {
  const before = record?.status;
  const isNew = inForce !== undefined && inForce !== before?.commit;
  const lastSyncedAt = isNew ? rfc3339(clock.now()) : before?.lastSyncedAt;
  const force = inForce ?? before?.commit;
  const trustedCommit = inForce === undefined ? before?.trustedCommit : signatures?.trustedCommit;
  const kept = withheld ?? before?.withheld ?? [];
  const status: SourceStatus = {
    ...{ state, message },
    ...(force !== undefined && { commit: force }),
    ...(trustedCommit !== undefined && { trustedCommit }),
    ...(lastSyncedAt !== undefined && { lastSyncedAt }),
    ...(kept.length > 0 && { withheld: kept }),
  };
  const changed = await writeSource({ store, clock, spec }, record, { status, problems, memory });
  if (changed) await recordEvent(api, changed, eventOf(state, message), clock.now());
  const { created, updated, deleted, unchanged, notes } = applied;
  return {
    ...{ source: spec.display, state, message, created, updated, deleted, unchanged, problems, notes, news },
    ...(commit !== undefined && { commit }),
  };
}
