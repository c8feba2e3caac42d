import { crashPairs, randomSchedule, shrink, singleFaults } from './explore.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { play, type Schedule } from './schedule.ts';

const [mode = 'singles', arg = ''] = process.argv.slice(2);

async function* schedules(): AsyncGenerator<Schedule> {
  if (mode === 'singles' || mode === 'stale') {
    for (const scenario of SCENARIOS.filter(({ name }) => arg === '' || name === arg))
      yield* singleFaults(scenario, mode === 'stale');
  } else if (mode === 'pairs') {
    for (const scenario of SCENARIOS.filter(({ name }) => name === arg)) yield* crashPairs(scenario);
  } else if (mode === 'seeds') {
    const [from = 1, to = 10] = arg.split('-').map(Number);
    for (let seed = from; seed <= to; seed++) yield randomSchedule(seed, SCENARIOS);
  } else if (mode === 'replay') {
    const { scenario, ...rest } = JSON.parse(arg);
    const found = SCENARIOS.find(({ name }) => name === scenario);
    if (found) yield { quietPasses: 3, seed: 0, isStale: false, faults: [], ...rest, scenario: found };
  }
}

let count = 0;
let bad = 0;
const started = performance.now();
const seen = new Map<string, number>();
for await (const schedule of schedules()) {
  count++;
  const outcome = await play(schedule);
  if (mode === 'replay')
    console.log(outcome.lines.filter((l) => !/(Describe|List|Get)\w+ ok|table:\w+ ok/.test(l)).join('\n'));
  if (outcome.violations.length === 0) continue;
  bad++;
  const { faults, seed, isStale, quietPasses } = mode === 'seeds' ? await shrink(schedule) : schedule;
  const what = `${outcome.violations[0]?.oracle}: ${outcome.violations[0]?.what}`.slice(0, 420);
  const key = what.slice(0, 60);
  seen.set(key, (seen.get(key) ?? 0) + 1);
  if ((seen.get(key) ?? 0) <= 4)
    console.log(
      JSON.stringify({ scenario: schedule.scenario.name, faults, seed, isStale, quietPasses }),
      '\n   ',
      what,
      outcome.violations[0]?.atMs,
    );
}
console.log(
  mode,
  arg,
  'schedules',
  count,
  'bad',
  bad,
  ((performance.now() - started) / count).toFixed(0),
  'ms each',
);
