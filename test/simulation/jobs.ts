import { crashPairs, seededSchedule, singleFaults } from './explore.ts';
import { SCENARIOS } from './scenarios/index.ts';
import type { Schedule } from './schedule.ts';

/** What to play, as the command line says it. */
export interface Plan {
  readonly seeds: number;
  readonly firstSeed: number;
  /** Of these alone; none: as many as the plan has by itself. */
  readonly scenarios: readonly string[];
  readonly isExhaustive: boolean;
}

/** The schedules of a plan, in an order that is always the same. */
export async function* schedulesOf(plan: Plan): AsyncGenerator<Schedule> {
  const chosen = SCENARIOS.filter(({ name }) => plan.scenarios.length === 0 || plan.scenarios.includes(name));
  const core = chosen.filter(({ isCore }) => isCore);
  const isNamed = plan.scenarios.length > 0;
  const played = new Set<string>();
  for (const scenario of plan.isExhaustive || isNamed ? chosen : core)
    yield* singleFaults(scenario, false, played);
  if (plan.isExhaustive) {
    for (const scenario of chosen) yield* singleFaults(scenario, true);
    for (const scenario of core) yield* crashPairs(scenario);
  }
  for (let index = 0; index < plan.seeds; index++) yield seededSchedule(plan.firstSeed + index, chosen);
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
