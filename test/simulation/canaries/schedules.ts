import { createRandom } from '../random.ts';
import type { Scenario } from '../scenario.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import type { Schedule } from '../schedule.ts';
import { seededSchedule, singleFaults } from '../ts';
import type { Canary } from './canary.ts';

/** Enough to see a loop that comes round seldom. */
const PASSES = 100;
/** Of the single faults that are named, spread over all places. */
const SINGLES = 150;
const SEEDS = 250;

/** What is tried for one canary: first where its like shows soonest, then anything anywhere. */
export async function* canarySchedules(canary: Canary): AsyncGenerator<Schedule> {
  const hinted = canary.scenarios.map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    if (!found) throw new Error(`canary ${canary.name}: there is no scenario ${name}`);
    return found;
  });
  for (const scenario of hinted) yield* faultless(scenario);
  if (canary.faults) yield* await singles(hinted, canary.faults);
  for (let seed = 1; seed <= SEEDS; seed++) {
    yield seededSchedule(seed, seed % 2 === 1 ? hinted : SCENARIOS);
  }
}

/** Fresh looks, old looks, and short pages. */
function faultless(scenario: Scenario): Schedule[] {
  const plain = { scenario, faults: [], seed: 0, isStale: false, quietPasses: PASSES };
  return [plain, { ...plain, isStale: true }, { ...plain, seed: 3 }];
}

async function singles(scenarios: readonly Scenario[], kinds: readonly string[]): Promise<Schedule[]> {
  const all: Schedule[] = [];
  for (const scenario of scenarios) {
    for await (const schedule of singleFaults(scenario, false)) {
      if (schedule.faults.some(({ kind }) => kinds.includes(kind))) all.push(schedule);
    }
  }
  const random = createRandom(1);
  const shuffled = all.map((schedule) => ({ schedule, rank: random.next() }));
  return shuffled
    .sort((a, b) => a.rank - b.rank)
    .slice(0, SINGLES)
    .map(({ schedule }) => schedule);
}
