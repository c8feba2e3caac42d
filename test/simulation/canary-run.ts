import { CANARIES } from './canaries/index.ts';
import { canarySchedules } from './canaries/schedules.ts';
import { play } from './schedule.ts';

/*
 * Plays histories in a process whose controller has one bug on purpose (bundle.ts) until an oracle objects, and says in
 * one line of JSON what came of it. Any other end is an error of this process.
 */
const [, , name] = process.argv;
const canary = CANARIES.find((one) => one.name === name);
if (!canary) throw new Error(`no canary is called ${name}`);

let schedules = 0;
let caught: object = { caught: false };
for await (const schedule of canarySchedules(canary)) {
  schedules += 1;
  const { violations } = await play(schedule);
  const [violation] = violations;
  if (!violation) continue;
  const { scenario, ...rest } = schedule;
  const { oracle, what } = violation;
  caught = { caught: true, oracle, what: what.slice(0, 300), schedule: { scenario: scenario.name, ...rest } };
  break;
}
process.stdout.write(`${JSON.stringify({ name, ...caught, schedules })}\n`);
// What a bug has left waiting must not keep the process.
process.exit();
