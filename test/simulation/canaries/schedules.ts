import { seededSchedule, singleFaults } from '../explore.ts';
import { createRandom } from '../random.ts';
import type { Scenario } from '../scenario.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { play, type Schedule } from '../schedule.ts';
import type { Canary } from './canary.ts';

/** Enough to see a loop that comes round seldom. */
const PASSES = 100;
const FEW_PASSES = 3;
/** Of the single faults that are named, spread over all places. */
const SINGLES = 100;
/** Of those together, where one alone brings nothing out. */
const TOGETHER = 40;
const SEEDS = 80;

/** What is tried for one canary: first where its like shows soonest, then anything anywhere. */
export async function* canarySchedules(canary: Canary): AsyncGenerator<Schedule> {
  const { name, faults = [], calls, scenarios } = canary;
  const hinted = scenarios.map((one) => {
    const found = SCENARIOS.find((scenario) => scenario.name === one);
    if (!found) throw new Error(`canary ${name}: there is no scenario ${one}`);
    return found;
  });
  for (const scenario of hinted) yield* faultless(scenario);
  if (calls) for (const scenario of hinted) yield* await atCalls(scenario, calls, faults);
  else if (faults.length > 0) yield* await singles(hinted, faults);
  if (faults.length > 1) yield* together(hinted, faults);
  for (let seed = 1; seed <= SEEDS; seed++) {
    yield seededSchedule(seed, seed % 2 === 1 ? hinted : SCENARIOS);
  }
}

/** Fresh looks, old looks, and short pages. */
function faultless(scenario: Scenario): Schedule[] {
  const plain = { scenario, faults: [], seed: 0, isStale: false, quietPasses: PASSES };
  return [plain, { ...plain, isStale: true }, { ...plain, seed: 3 }];
}

/** At each of these calls, with fresh looks and with old ones. */
async function atCalls(
  scenario: Scenario,
  calls: readonly string[],
  kinds: readonly string[],
): Promise<Schedule[]> {
  const [plain, stale] = faultless(scenario).map((one) => ({ ...one, quietPasses: FEW_PASSES }));
  const all: Schedule[] = [];
  for (const one of [plain, stale]) {
    if (!one) continue;
    const { sites } = await play(one, { collectSites: true });
    for (const { index, kinds: possible } of sites.filter((site) => calls.includes(site.name)))
      for (const { name: kind } of possible)
        if (kinds.includes(kind)) all.push({ ...one, faults: [{ at: index, kind }] });
  }
  return all.slice(0, SINGLES);
}

async function singles(scenarios: readonly Scenario[], kinds: readonly string[]): Promise<Schedule[]> {
  const all: { schedule: Schedule; rank: number }[] = [];
  const random = createRandom(1);
  for (const scenario of scenarios) {
    for await (const schedule of singleFaults(scenario, false)) {
      const isMeant = schedule.faults.some(({ kind }) => kinds.includes(kind));
      if (isMeant) all.push({ schedule: { ...schedule, isStale: random.chance(0.3) }, rank: random.next() });
    }
  }
  const shuffled = all.sort((a, b) => a.rank - b.rank);
  return shuffled.slice(0, SINGLES).map(({ schedule }) => schedule);
}

/** All that is named within one history, in any order, at any places. */
function* together(scenarios: readonly Scenario[], kinds: readonly string[]): Generator<Schedule> {
  for (let seed = 1; seed <= TOGETHER; seed++) {
    const { faults: _, ...schedule } = seededSchedule(seed, scenarios);
    const random = createRandom(seed);
    const from = random.between(1, 600);
    const faults = kinds.map((kind) => ({ at: from + random.between(0, 150), kind }));
    yield { ...schedule, faults, quietPasses: FEW_PASSES };
  }
}
