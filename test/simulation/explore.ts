import { FAULT_KINDS, type FaultKind } from './faults.ts';
import { createRandom } from './random.ts';
import type { Scenario } from './scenario.ts';
import { type CallSite, type Fault, play, type Schedule } from './schedule.ts';

/** Further quiet passes: one shows whether anything still changes, a few whether it comes round, a hundred what comes round seldom. */
const ONE_PASS = 1;
const FEW_PASSES = 3;
const ALL_PASSES = 100;
const FEW_EVERY = 4;
const ALL_EVERY = 100;

/** Of the schedule with this number. */
function quietPassesOf(number: number): number {
  if (number % ALL_EVERY === 0) return ALL_PASSES;
  return number % FEW_EVERY === 0 ? FEW_PASSES : ONE_PASS;
}

/**
 * Every single fault at every call of a scenario; calls at which it meets the same world count as one. What was played in
 * a history that began in the very same way is not played again: `played` remembers it from one scenario to the next.
 */
export async function* singleFaults(
  scenario: Scenario,
  isStale: boolean,
  played: Set<string> = new Set(),
  kinds: readonly FaultKind[] = FAULT_KINDS,
): AsyncGenerator<Schedule> {
  const plain = { scenario, faults: [], seed: 0, isStale, quietPasses: ALL_PASSES };
  yield plain;
  if (scenario.isTroubleEnough) return;
  const { sites } = await play({ ...plain, quietPasses: FEW_PASSES }, { collectSites: true, kinds });
  let count = 0;
  for (const fault of distinct(sites, played)) {
    yield { ...plain, faults: [fault], quietPasses: quietPassesOf(++count) };
  }
}

/** Every single fault of the core scenarios, each history once. */
export async function* coreFaults(scenarios: readonly Scenario[]): AsyncGenerator<Schedule> {
  const played = new Set<string>();
  for (const scenario of scenarios) if (scenario.isCore) yield* singleFaults(scenario, false, played);
}

/**
 * Two crashes at every pair of calls: the second one while the first is being repaired. Only those before a call: a process
 * that dies after a change has left the same world behind as one that dies before its next call.
 */
export async function* crashPairs(scenario: Scenario): AsyncGenerator<Schedule> {
  const plain = { scenario, faults: [], seed: 0, isStale: false, quietPasses: FEW_PASSES };
  const crashes = async (faults: readonly Fault[]) => {
    const { sites } = await play({ ...plain, faults }, { collectSites: true });
    return distinct(sites).filter(({ kind }) => kind === 'crash-before');
  };
  for (const first of await crashes([])) {
    for (const second of await crashes([first])) {
      if (second.at > first.at) yield { ...plain, faults: [first, second] };
    }
  }
}

/** What a seed amounts to: a scenario, some faults anywhere in it, and all that lies between. */
export function seededSchedule(seed: number, scenarios: readonly Scenario[]): Schedule {
  const random = createRandom(seed);
  const scenario = random.pick(scenarios);
  const count = scenario.isTroubleEnough ? 0 : random.between(1, 5);
  const kinds = FAULT_KINDS.map(({ name }) => name);
  const faults = Array.from({ length: count }, () => ({
    at: random.between(1, CALLS_IN_REACH),
    kind: random.pick(kinds),
  }));
  const quietPasses = quietPassesOf(seed);
  const isStale = random.chance(0.3);
  const replicas = random.chance(0.25) ? random.between(2, 3) : 1;
  return { scenario, faults, seed, isStale, replicas, quietPasses };
}

/** About as many as a scenario makes until its end. */
const CALLS_IN_REACH = 1_200;

function distinct(sites: readonly CallSite[], played: Set<string> = new Set()): Fault[] {
  const seen = new Set<string>();
  return sites.flatMap(({ index, name, epoch, prefix, kinds }) =>
    kinds.flatMap((kind) => {
      const mark = `${kind.name} ${epoch} ${kind.befalls === 'call' ? name : ''}`;
      const history = `${kind.name} ${prefix}`;
      if (seen.has(mark) || played.has(history)) return [];
      seen.add(mark);
      played.add(history);
      return [{ at: index, kind: kind.name }];
    }),
  );
}

/** Leaves out every fault without which it still goes wrong. */
export async function shrink(schedule: Schedule): Promise<Schedule> {
  let smallest = schedule;
  for (const fault of schedule.faults) {
    const fewer = { ...smallest, faults: smallest.faults.filter((other) => other !== fault) };
    if ((await play(fewer)).violations.length > 0) smallest = fewer;
  }
  return smallest;
}
