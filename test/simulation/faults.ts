import type { Call, Failure, Verdict } from './boundary.ts';
import { ANSWER } from './boundary.ts';

/** What a fault may do to the world besides spoiling one call. */
export interface Strikes {
  kill(call: Call): void;
  terminate(call: Call): void;
  pause(call: Call, forMs: number): void;
  stepClock(call: Call, byMs: number): void;
  /** Also for those who start on that machine later; where that is said it is set right after a while, and the process starts anew. */
  stepMachineOf(call: Call, byMs: number, backAfterMs?: number): void;
  /** Somebody else's name is in the lease from now on, as if that replica had taken over. */
  takeLease(): void;
  /** Calls that match fail for a while. */
  outage(forMs: number, matches: (call: Call) => boolean, failure: Failure): void;
  /** Somebody changes one of our resources by hand. */
  drift(call: Call): void;
}

export interface FaultKind {
  readonly name: string;
  /**
   * `process`: it befalls a whole process, or the world, and the call only says when. At all the looks between two changes
   * it meets the same world.
   */
  readonly befalls: 'call' | 'process';
  readonly applies: (call: Call) => boolean;
  /** Asked once the call is answered: whether this fault would have made a difference to the answer. */
  readonly matters?: (call: Call) => boolean;
  readonly strike: (call: Call, world: Strikes) => Verdict;
}

const onAws = (call: Call) => call.target === 'aws';
const onTable = (call: Call) => call.target === 'table';
const onGit = (call: Call) => call.target === 'git';
const anywhere = () => true;
const both = (a: (call: Call) => boolean, b: (call: Call) => boolean) => (call: Call) => a(call) && b(call);
const writes = (call: Call) => call.isWrite;
const reads = (call: Call) => !call.isWrite;

function failing(
  name: string,
  applies: FaultKind['applies'],
  failure: Failure,
  effect: 'none' | 'done',
): FaultKind {
  return { name, befalls: 'call', applies, strike: () => ({ do: 'fail', failure, effect }) };
}

function lasting(
  name: string,
  applies: FaultKind['applies'],
  strike: (call: Call, world: Strikes) => void,
): FaultKind {
  return {
    name,
    befalls: 'process',
    applies,
    strike: (call, world) => {
      strike(call, world);
      return ANSWER;
    },
  };
}

function stale(name: string, behind: number): FaultKind {
  const applies = both(onAws, reads);
  const matters = (call: Call) => call.stale?.(behind) !== undefined;
  return { name, befalls: 'call', applies, matters, strike: () => ({ do: 'stale', behind }) };
}

function paged(name: string, how: 'missing' | 'repeated'): FaultKind {
  const applies = both(onAws, reads);
  const matters = (call: Call) => call.paged?.(how) !== undefined;
  return { name, befalls: 'call', applies, matters, strike: () => ({ do: 'paged', how }) };
}

const DENIED_MS = 120_000;
const EXPIRED_MS = 60_000;
const PARTITION_MS = 45_000;
const UNREACHABLE_MS = 60_000;
/** Longer than the lease. */
const PAUSE_MS = 35_000;

/** Everything that can go wrong at a call: a new one joins every scenario by one entry. */
export const FAULT_KINDS: readonly FaultKind[] = [
  failing('throttled', onAws, 'throttled', 'none'),
  failing('server-error', onAws, 'server-error', 'none'),
  failing('timeout-before', both(onAws, writes), 'timeout', 'none'),
  failing('timeout-after', both(onAws, writes), 'timeout', 'done'),
  {
    name: 'denied',
    befalls: 'call',
    applies: onAws,
    strike: (call, world) => {
      world.outage(DENIED_MS, (other) => other.name === call.name, 'denied');
      return { do: 'fail', failure: 'denied', effect: 'none' };
    },
  },
  {
    name: 'expired-credentials',
    befalls: 'process',
    applies: onAws,
    strike: (call, world) => {
      world.outage(
        EXPIRED_MS,
        (other) => onAws(other) && other.caller === call.caller,
        'expired-credentials',
      );
      return { do: 'fail', failure: 'expired-credentials', effect: 'none' };
    },
  },
  {
    name: 'crash-before',
    befalls: 'process',
    applies: anywhere,
    strike: (call, world) => {
      world.kill(call);
      return { do: 'vanish', effect: 'none' };
    },
  },
  {
    name: 'crash-after',
    befalls: 'call',
    applies: writes,
    strike: (call, world) => {
      world.kill(call);
      return { do: 'vanish', effect: 'done' };
    },
  },
  stale('stale', 1),
  stale('staler', 4),
  paged('page-missing', 'missing'),
  paged('page-repeated', 'repeated'),
  failing('table-unavailable', onTable, 'server-error', 'none'),
  failing('table-lost', both(onTable, writes), 'timeout', 'done'),
  lasting('sigterm', anywhere, (call, world) => world.terminate(call)),
  lasting('pause', anywhere, (call, world) => world.pause(call, PAUSE_MS)),
  lasting('clock-forward', anywhere, (call, world) => world.stepClock(call, 20_000)),
  lasting('clock-back', anywhere, (call, world) => world.stepClock(call, -3_600_000)),
  lasting('lease-lost', anywhere, (_call, world) => world.takeLease()),
  lasting('drift', onAws, (call, world) => world.drift(call)),
  {
    name: 'partition',
    befalls: 'process',
    applies: onTable,
    strike: (call, world) => {
      world.outage(PARTITION_MS, (other) => onTable(other) && other.caller === call.caller, 'timeout');
      return { do: 'fail', failure: 'timeout', effect: 'none' };
    },
  },
  {
    name: 'git-unreachable',
    befalls: 'process',
    applies: onGit,
    strike: (_call, world) => {
      world.outage(UNREACHABLE_MS, onGit, 'timeout');
      return { do: 'fail', failure: 'timeout', effect: 'none' };
    },
  },
];

const HOUR_MS = 3_600_000;
/** The most by which replicas may differ without a word from anybody. */
const FAST_MS = 4 * 60_000;
const SET_RIGHT_MS = 10 * 60_000;

/** The process dies, and the next one on that machine starts with another clock. */
function startsAnew(name: string, byMs: number): FaultKind {
  return {
    name,
    befalls: 'process',
    applies: anywhere,
    strike: (call, world) => {
      world.stepMachineOf(call, byMs);
      world.kill(call);
      return { do: 'vanish', effect: 'none' };
    },
  };
}

/** The clock of a machine is set, and stays so when a process is started anew there. Played where they are asked for. */
export const CLOCK_KINDS: readonly FaultKind[] = [
  lasting('hours-ahead', anywhere, (call, world) => world.stepMachineOf(call, 9 * HOUR_MS)),
  lasting('hours-ahead-for-a-while', anywhere, (call, world) =>
    world.stepMachineOf(call, 9 * HOUR_MS, SET_RIGHT_MS),
  ),
  startsAnew('starts-hours-ahead', 9 * HOUR_MS),
  startsAnew('starts-hours-behind', -9 * HOUR_MS),
  startsAnew('starts-minutes-ahead', FAST_MS),
  startsAnew('starts-minutes-behind', -FAST_MS),
];

/** Everything that a schedule may name. */
export const ALL_KINDS: readonly FaultKind[] = [...FAULT_KINDS, ...CLOCK_KINDS];
