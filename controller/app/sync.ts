import type { ApiClient } from '../api/client.ts';
import { Fenced, fenceWrites } from '../api/fence.ts';
import { explain } from '../aws/errors.ts';
import type { Log } from '../core/log.ts';
import { type Clock, sleep } from '../machinery/clock.ts';
import { type Lease, whileHeld } from '../reconcile/lease.ts';
import type { GitSource } from '../sources/git.ts';
import { ConflictError } from '../store/store.ts';
import { SourceRhythm } from './source-rhythm.ts';
import { createSourceLog, type SourceLogOptions } from './telemetry/source-log.ts';

export interface SyncOptions {
  readonly api: ApiClient;
  /**
   * Answers what tells the sources there are now, each the same object as long as it is the same source. They write through the
   * API they are given, and elsewhere only as long as they may.
   */
  readonly open: (api: ApiClient, mayWrite: () => boolean) => () => readonly GitSource[];
  /** Looks after what is shown of sources that there are no more, with the same rights. */
  readonly tend?: (api: ApiClient, mayWrite: () => boolean) => () => Promise<void>;
  readonly lease: Pick<Lease, 'held'>;
  /** Whether this replica leads, over a store that is known to be its own. */
  readonly mayServe: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly onSync?: SourceLogOptions['onSync'];
  readonly speed?: number;
}

export interface Sync {
  /** Looks at all sources at once, if it may; at one that is being looked at once more afterwards. Waits for all of them. */
  readonly run: () => Promise<void>;
  /** Looks at those that are due and not being looked at. Waits for none: each has its own rhythm. */
  readonly poll: () => void;
  /** Stops what is being fetched, and waits for what is being applied, a little. */
  readonly end: () => Promise<void>;
}

/** Neither a store that hangs nor a git that does is waited for at the end. */
const LAST_SYNC_MS = 2_000;
/** A look that was under way may have said otherwise since. */
const TEND_MS = 5 * 60_000;

/** One source as it is looked at: once at a time, however slow it is, and whatever becomes of the others. */
interface Looking {
  readonly rhythm: SourceRhythm;
  readonly look: () => Promise<void>;
  running?: Promise<void> | undefined;
  again?: Promise<void> | undefined;
}

/**
 * What a tenure fetched is applied in that tenure or never: by the next one another replica may have applied a newer commit, and
 * the older one would delete what that declares.
 */
export function createSync(options: SyncOptions): Sync {
  const { api, open, lease, mayServe, clock, log, speed = 1 } = options;
  let mayWrite = () => false;
  const mayWriteNow = () => mayWrite();
  const fenced = fenceWrites(api, mayWriteNow);
  const sources = open(fenced, mayWriteNow);
  const tendNow = options.tend?.(fenced, mayWriteNow);
  let tendedMs = Number.NEGATIVE_INFINITY;
  const known = new Map<GitSource, Looking>();

  const stopAll = (those: (source: GitSource) => boolean = () => true) => {
    for (const [source, { running }] of known) if (running && those(source)) source.stop?.();
  };
  const running = () => [...known.values()].flatMap((one) => one.running ?? []);

  async function tend(): Promise<void> {
    if (!mayServe() || !mayWrite()) return;
    tendedMs = clock.monotonic();
    try {
      await tendNow?.();
      log.over?.('cannot tell of former sources', () => true);
    } catch (error) {
      if (error instanceof Fenced) return;
      // Somebody has written meanwhile, or the store does not answer: the next poll tries again.
      tendedMs = Number.NEGATIVE_INFINITY;
      if (!(error instanceof ConflictError))
        log('warn', 'cannot tell of former sources', { error: explain(error) });
    }
  }

  /** @returns the sources of this tenure; none where there is none */
  async function begin(): Promise<readonly [GitSource, Looking][]> {
    while (running().length > 0 && !mayWrite()) {
      stopAll();
      await Promise.allSettled(running());
    }
    if (!mayServe()) return [];
    if (!mayWrite()) mayWrite = whileHeld(lease);
    const present = new Set(sources());
    stopAll((source) => !present.has(source));
    for (const [source, { running }] of known) if (!running && !present.has(source)) known.delete(source);
    return [...present].map((source) => {
      const looking = known.get(source) ?? newLooking(source, options);
      known.set(source, looking);
      return [source, looking];
    });
  }

  /** Another one with the same cache may be coming to its end. */
  async function start(source: GitSource, looking: Looking): Promise<void> {
    const rivals = [...known].filter(([other]) => other !== source && other.display === source.display);
    const look = async () => {
      await Promise.allSettled(rivals.flatMap(([, rival]) => rival.running ?? []));
      if (mayServe() && mayWrite()) await looking.look();
    };
    looking.running = look().finally(() => {
      looking.running = undefined;
    });
    await looking.running;
  }

  function ask(source: GitSource, looking: Looking): Promise<void> {
    if (!looking.running) return start(source, looking);
    looking.again ??= looking.running.then(() => {
      looking.again = undefined;
      return start(source, looking);
    });
    return looking.again;
  }

  let isBeginning = false;
  async function poll(): Promise<void> {
    if (isBeginning) return;
    isBeginning = true;
    const present = await begin().finally(() => {
      isBeginning = false;
    });
    for (const [source, looking] of present) {
      const isWaiting = looking.running === undefined && looking.rhythm.isDue();
      if (isWaiting) void start(source, looking);
    }
    if (clock.monotonic() - tendedMs >= TEND_MS) await tend();
  }

  async function end(): Promise<void> {
    stopAll();
    const ended = new AbortController();
    await Promise.race([Promise.all(running()), sleep(clock, LAST_SYNC_MS * speed, ended.signal)]);
    ended.abort();
  }

  return {
    async run() {
      const present = await begin();
      await Promise.all([...present.map(([source, looking]) => ask(source, looking)), tend()]);
    },
    poll: () =>
      void poll().catch((error: unknown) =>
        log('error', 'cannot look at the sources', { error: explain(error) }),
      ),
    end,
  };
}

function newLooking(source: GitSource, { clock, log, onSync, speed = 1 }: SyncOptions): Looking {
  const rhythm = new SourceRhythm({ display: source.display, clock, speed });
  let state: string | undefined;
  const sync = createSourceLog({
    ...{ clock, log },
    onSync: (name, now) => {
      state = now;
      onSync?.(name, now);
    },
  });
  return {
    rhythm,
    async look() {
      state = undefined;
      const startedMs = clock.monotonic();
      await sync(source);
      rhythm.looked(state, clock.monotonic() - startedMs);
    },
  };
}
