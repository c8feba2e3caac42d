import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KIND_NAMES } from '../../controller/core/resource.ts';
import type { Wake } from '../../controller/core/wake.ts';
import type { Refresh } from '../../controller/reconcile/observe.ts';
import { Queue } from '../../controller/reconcile/queue.ts';
import { settle, VirtualClock } from '../clock.ts';

const NEVER = Number.POSITIVE_INFINITY;
const KEYS = ['a', 'b', 'c'] as const;
type QueueKey = (typeof KEYS)[number];

interface Wanted {
  readonly at: number;
  readonly refresh: Refresh;
  /** What a run said, which the next run replaces; anything else was asked for and has to be served. */
  readonly isWake: boolean;
}

interface KeyState {
  wanted: Wanted[];
  /** Ends the run that is under way. */
  finish: ((wake: Wake) => void) | undefined;
}

/** What has to happen, kept apart from the queue that makes it happen. */
interface Real {
  readonly clock: VirtualClock;
  readonly queue: Queue;
  readonly keys: ReadonlyMap<string, KeyState>;
  isOpen: boolean;
  runs: number;
}

type Step = fc.AsyncCommand<Record<string, never>, Real>;

function createReal(): Real {
  const clock = new VirtualClock(0);
  const keys = new Map<string, KeyState>(KEYS.map((key) => [key, { wanted: [], finish: undefined }]));
  const queue = new Queue({
    clock,
    run: (key, refresh) => {
      expectRightRun(real, stateOf(real, key), refresh);
      return new Promise((resolve) => {
        stateOf(real, key).finish = resolve;
      });
    },
  });
  const real: Real = { clock, queue, keys, isOpen: false, runs: 0 };
  return real;
}

function stateOf({ keys }: Real, key: string): KeyState {
  const state = keys.get(key);
  if (!state) throw new Error(`nobody asked for ${key}`);
  return state;
}

/** Judges a run that begins now, and strikes out what it serves. */
function expectRightRun(real: Real, state: KeyState, refresh: Refresh): void {
  const now = real.clock.now();
  real.runs++;
  expect(real.isOpen).toBe(true);
  expect(state.finish).toBeUndefined();
  const due = state.wanted.filter(({ at }) => at <= now);
  // Never without a reason, and never twice for one.
  expect(due.length).toBeGreaterThan(0);
  for (const { refresh: asked } of due) expect(covers(refresh, asked)).toBe(true);
  const possible = state.wanted.map((one) => one.refresh);
  expect(refresh === 'all' && !possible.includes('all') && !mixes(possible)).toBe(false);
  state.wanted = state.wanted.filter(({ at, isWake }) => at > now && !isWake);
}

function covers(look: Refresh, asked: Refresh): boolean {
  if (look === 'all') return true;
  if (look === 'resync' || asked === 'resync' || asked === 'all') return look === asked;
  return [...asked].every((kind) => look.has(kind));
}

/** A resync and a set of kinds together need a look at everything. */
function mixes(asked: readonly Refresh[]): boolean {
  return asked.includes('resync') && asked.some((refresh) => typeof refresh === 'object');
}

/** In an open queue nothing that is due waits, but for a run of its own key. */
function expectNothingLate(real: Real): void {
  for (const { wanted, finish } of real.keys.values()) {
    if (!real.isOpen || finish) continue;
    expect(wanted.filter(({ at }) => at <= real.clock.now())).toEqual([]);
  }
}

function command(name: string, act: (real: Real) => void | Promise<void>): Step {
  return {
    check: () => true,
    toString: () => name,
    async run(_, real) {
      await act(real);
      await real.clock.advance(0);
      expectNothingLate(real);
    },
  };
}

function want(real: Real, key: string, { afterMs, refresh }: Wake, isWake: boolean): void {
  if (afterMs === NEVER) return;
  stateOf(real, key).wanted.push({ at: real.clock.now() + Math.max(0, afterMs), refresh, isWake });
}

/**
 * Several that are asked for before they are due become one, at the earliest time and with the deepest look: so in the model
 * the look of the one is that of each.
 */
function add(key: QueueKey, wake: Wake): Step {
  return command(`add(${key}, ${describeWake(wake)})`, (real) => {
    want(real, key, wake, false);
    const state = stateOf(real, key);
    const asked = state.wanted.filter(({ isWake }) => !isWake);
    const at = Math.min(...asked.map((one) => one.at));
    state.wanted = [
      ...state.wanted.filter(({ isWake }) => isWake),
      ...asked.map(({ refresh }) => ({ at, refresh, isWake: false })),
    ];
    real.queue.add(key, wake.afterMs, wake.refresh);
  });
}

function finish(key: QueueKey, wake: Wake): Step {
  return command(`finish(${key}, ${describeWake(wake)})`, async (real) => {
    const state = stateOf(real, key);
    const end = state.finish;
    if (!end) return;
    state.finish = undefined;
    want(real, key, wake, true);
    end(wake);
    await settle();
  });
}

const open = command('open()', async (real) => {
  real.isOpen = true;
  real.queue.open();
});

const close = command('close()', async (real) => {
  real.isOpen = false;
  let isClosed = false;
  void real.queue.close().then(() => {
    isClosed = true;
  });
  await settle();
  expect(isClosed).toBe([...real.keys.values()].every((state) => !state.finish));
});

function advance(ms: number): Step {
  return command(`advance(${ms})`, async (real) => {
    // In the steps in which anything falls due: what is late must not be caught up with unseen.
    for (let passed = 0; passed < ms; passed += 50) {
      await real.clock.advance(50);
      expectNothingLate(real);
    }
  });
}

/** Whatever is still wanted comes, however often the queue was closed. */
const drain = command('drain()', async (real) => {
  real.isOpen = true;
  real.queue.open();
  for (
    let rounds = 0;
    [...real.keys.values()].some(({ wanted, finish }) => finish || wanted.length > 0);
    rounds++
  ) {
    expect(rounds).toBeLessThan(200);
    for (const state of real.keys.values()) {
      state.finish?.({ afterMs: NEVER, refresh: 'resync' });
      state.finish = undefined;
    }
    await real.clock.advance(500);
  }
  const { runs } = real;
  await real.clock.advance(3_600_000);
  expect(real.runs).toBe(runs);
});

function describeWake({ afterMs, refresh }: Wake): string {
  return `${afterMs} ms, ${typeof refresh === 'string' ? refresh : [...refresh].join('+')}`;
}

const aKey = fc.constantFrom(...KEYS);
const aRefresh = fc.oneof(
  fc.constantFrom<Refresh>('all', 'resync'),
  fc.subarray([...KIND_NAMES], { minLength: 1, maxLength: 2 }).map((kinds) => new Set(kinds)),
);
const aWake = fc.record({
  afterMs: fc.oneof(
    fc.constantFrom(0, NEVER, -5),
    fc.nat({ max: 40 }).map((steps) => steps * 50),
  ),
  refresh: aRefresh,
});
const commands = fc.commands(
  [
    fc.tuple(aKey, aWake).map((args) => add(...args)),
    fc.tuple(aKey, aWake).map((args) => add(...args)),
    fc.tuple(aKey, aWake).map((args) => finish(...args)),
    fc.tuple(aKey, aWake).map((args) => finish(...args)),
    fc.nat({ max: 1_000 }).map(advance),
    fc.constant(open),
    fc.constant(close),
  ],
  { maxCommands: 60, size: 'max' },
);

describe('a queue, against what was asked of it', () => {
  it('runs each key once for all that is due, never twice at once, and loses nothing', {
    timeout: 60_000,
  }, async () => {
    let runs = 0;
    const property = fc.asyncProperty(commands, async (steps) => {
      const real = createReal();
      await fc.asyncModelRun(() => ({ model: {}, real }), [open, ...steps, drain]);
      runs += real.runs;
    });
    await fc.assert(property, { numRuns: 200 });
    // A run that never got there would prove nothing.
    expect(runs).toBeGreaterThan(1_000);
  });
});
