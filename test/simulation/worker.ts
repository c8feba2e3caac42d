import { type Explanation, jobsOf, type Plan } from './jobs.ts';
import type { Violation } from './watch.ts';

/** What a worker tells of what it has played since it last told. */
export interface Report {
  readonly schedules: number;
  readonly failures: readonly Failure[];
  /** What they took of the processor, in seconds. */
  readonly cpuSeconds: number;
  readonly isDone: boolean;
}

export interface Failure {
  readonly violations: readonly Violation[];
  /** Only of the first few: one cause often shows in hundreds of histories. */
  readonly explanation?: Explanation;
}

const TELL_EVERY = 20;
const EXPLAINED = 5;

/** Plays every n-th job of a plan: all workers walk through the same plan, and each takes its own. */
async function work(
  plan: Plan,
  share: { readonly index: number; readonly of: number },
  tell: (report: Report) => void,
): Promise<void> {
  let position = 0;
  let failed = 0;
  let news: { schedules: number; failures: Failure[] } = { schedules: 0, failures: [] };
  let cpu = process.cpuUsage();
  const report = (isDone: boolean) => {
    const { user, system } = process.cpuUsage(cpu);
    cpu = process.cpuUsage();
    tell({ ...news, cpuSeconds: (user + system) / 1e6, isDone });
    news = { schedules: 0, failures: [] };
  };
  for await (const job of jobsOf(plan)) {
    if (position++ % share.of !== share.index) continue;
    const violations = await job.run();
    news.schedules += job.schedules;
    if (violations.length > 0) {
      const explained = ++failed <= EXPLAINED ? { explanation: await job.explain() } : {};
      news.failures.push({ violations, ...explained });
    }
    if (news.schedules < TELL_EVERY) continue;
    report(false);
  }
  report(true);
}

process.once('message', (message: { plan: Plan; share: { index: number; of: number } }) => {
  void work(message.plan, message.share, (report) => process.send?.(report)).then(() => process.disconnect());
});
