import { shrink } from './explore.ts';
import { format, type Plan, schedulesOf } from './jobs.ts';
import { play } from './schedule.ts';
import type { Violation } from './world.ts';

/** What a worker tells of the schedules it has played since it last told. */
export interface Report {
  readonly schedules: number;
  readonly failures: readonly Failure[];
  readonly isDone: boolean;
}

export interface Failure {
  readonly schedule: string;
  readonly violations: readonly Violation[];
  readonly lines: readonly string[];
}

const TELL_EVERY = 20;
/** One cause often shows in hundreds of schedules: the first few are shrunk and told in full. */
const TOLD_IN_FULL = 5;

/** Plays every n-th schedule of a plan: all workers walk through the same plan, and each takes its own. */
export async function work(
  plan: Plan,
  share: { readonly index: number; readonly of: number },
  tell: (report: Report) => void,
): Promise<void> {
  let position = 0;
  let schedules = 0;
  let failed = 0;
  let failures: Failure[] = [];
  for await (const schedule of schedulesOf(plan)) {
    if (position++ % share.of !== share.index) continue;
    schedules += 1;
    const { violations } = await play(schedule);
    if (violations.length > 0) {
      failed += 1;
      const smallest = failed <= TOLD_IN_FULL ? await shrink(schedule) : schedule;
      const { lines } = failed <= TOLD_IN_FULL ? await play(smallest) : { lines: [] };
      failures.push({ schedule: format(smallest), violations, lines });
    }
    if (schedules < TELL_EVERY) continue;
    tell({ schedules, failures, isDone: false });
    schedules = 0;
    failures = [];
  }
  tell({ schedules, failures, isDone: true });
}

if (process.send) {
  process.once('message', (message: { plan: Plan; share: { index: number; of: number } }) => {
    void work(message.plan, message.share, (report) => process.send?.(report)).then(() =>
      process.disconnect(),
    );
  });
}
