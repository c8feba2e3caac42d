import { coreFaults, crashPairs, seededSchedule, shrink, singleFaults } from './explore.ts';
import { CLOCK_KINDS } from './faults.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { play, type Schedule } from './schedule.ts';
import { transitions, type Walk } from './transitions.ts';
import type { Violation } from './watch.ts';

/** So many seeds are played twice. */
const REPEATED_EVERY = 4;

/** What to play, as the command line says it. */
export interface Plan {
  readonly seeds: number;
  readonly firstSeed: number;
  /** These alone, and no transitions; none: as many as the plan has by itself. */
  readonly scenarios: readonly string[];
  /** Every single fault of the core scenarios. */
  readonly withSingles: boolean;
  readonly isExhaustive: boolean;
  /** Clocks that are set for good, at any call; nothing else then. */
  readonly withClocks: boolean;
  readonly withTransitions: boolean;
  /** Of the single faults and of the walks: every `of`-th, from this one on. */
  readonly share: { readonly part: number; readonly of: number };
}

/** One piece of a plan: a history, or a walk of several from spec to spec. */
export interface Job {
  /** How many histories it counts for; what is played again to see that it is the same counts once. */
  readonly schedules: number;
  readonly run: () => Promise<readonly Violation[]>;
  /** For a person who has to find the cause. */
  readonly explain: () => Promise<Explanation>;
}

export interface Explanation {
  /** What plays it again. */
  readonly command: string;
  /** What happened, when that is told. */
  readonly lines: readonly string[];
}

/** The jobs of a plan, in an order that is always the same. */
export async function* jobsOf(plan: Plan): AsyncGenerator<Job> {
  for await (const schedule of schedulesOf(plan)) yield jobOf(schedule);
  if (plan.withClocks || !plan.withTransitions || plan.scenarios.length > 0) return;
  for await (const walk of shareOf(plan, transitions())) yield jobOfWalk(walk);
}

async function* shareOf<T>({ share }: Pick<Plan, 'share'>, all: AsyncIterable<T>): AsyncGenerator<T> {
  let index = 0;
  for await (const one of all) if (index++ % share.of === share.part - 1) yield one;
}

async function* schedulesOf({ scenarios, ...plan }: Plan): AsyncGenerator<Schedule> {
  const isNamed = scenarios.length > 0;
  const chosen = SCENARIOS.filter(({ name }) => !isNamed || scenarios.includes(name));
  if (plan.withClocks) {
    for (const scenario of chosen) yield* singleFaults(scenario, false, new Set(), CLOCK_KINDS);
    return;
  }
  if (plan.withSingles && !isNamed && !plan.isExhaustive) yield* shareOf(plan, coreFaults(chosen));
  if (plan.isExhaustive || isNamed) for (const scenario of chosen) yield* singleFaults(scenario, false);
  if (plan.isExhaustive) for (const scenario of chosen) yield* singleFaults(scenario, true);
  if (plan.isExhaustive) for (const scenario of chosen) if (scenario.isCore) yield* crashPairs(scenario);
  for (let index = 0; index < plan.seeds; index++) yield seededSchedule(plan.firstSeed + index, chosen);
}

function jobOf(schedule: Schedule): Job {
  return {
    schedules: 1,
    run: async () => {
      const first = await play(schedule);
      return schedule.seed % REPEATED_EVERY === 1
        ? [...first.violations, ...(await differences(schedule, first.hash))]
        : first.violations;
    },
    explain: async () => {
      const smallest = await shrink(schedule);
      const { lines } = await play(smallest);
      return { command: `npm run test:faults -- --replay '${format(smallest)}'`, lines };
    },
  };
}

/** A seed that gives another history the next time cannot be played again when it breaks a promise. */
async function differences(schedule: Schedule, hash: string): Promise<readonly Violation[]> {
  const second = await play(schedule);
  // What a process loads when a call is made for the first time takes turns that are no part of the history.
  if (second.hash === hash || second.hash === (await play(schedule)).hash) return [];
  return [
    { oracle: 'deterministic', what: `seed ${schedule.seed} gives another history each time`, atMs: 0 },
  ];
}

function jobOfWalk({ name, transitions: count, run }: Walk): Job {
  return {
    schedules: count,
    run,
    explain: async () => ({ command: `npm run test:faults -- --walk '${name}'`, lines: [] }),
  };
}

/** A schedule as text: what a person hands over to play it again. */
export function format({ scenario, ...rest }: Schedule): string {
  return JSON.stringify({ scenario: scenario.name, ...rest });
}

/** @throws Error naming what is missing */
export function parse(text: string): Schedule {
  const { scenario: name, ...rest } = JSON.parse(text) as { scenario: string } & Partial<Schedule>;
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (!scenario)
    throw new Error(
      `no scenario is called ${name}; there are ${SCENARIOS.map((one) => one.name).join(', ')}`,
    );
  return { faults: [], seed: 0, isStale: false, quietPasses: 3, ...rest, scenario };
}
