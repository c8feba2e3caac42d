import { explain } from '../aws/errors.ts';
import type { Log } from '../core/log.ts';
import type { Clock, Timer } from '../machinery/clock.ts';
import type { Controller } from '../reconcile/manager.ts';
import { logCron, timesOf } from './process/cron.ts';

/** Cron expressions in UTC, with seconds if there are six fields. */
export interface Schedules {
  readonly resyncSchedule: string;
  readonly sweepSchedule: string;
  readonly gitSchedule: string;
}

export interface JobsOptions {
  readonly schedules: Schedules;
  readonly controller: Pick<Controller, 'resync' | 'sweep'>;
  /** Looks at the sources; left out: there are none. */
  readonly sync?: (() => Promise<void>) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Jobs {
  /** Starts nothing more; what runs is not waited for. */
  readonly stop: () => void;
}

/** What the controller does again and again, at times of its own clock. */
export function startJobs({ schedules, controller, sync, clock, log }: JobsOptions): Jobs {
  logCron(log);
  const job = (name: string, schedule: string, run: JobOptions['run']) =>
    new Job({ name, schedule, run, clock, log });
  const jobs = [
    job('resync', schedules.resyncSchedule, () => controller.resync()),
    job('sweep', schedules.sweepSchedule, () => controller.sweep()),
    ...(sync ? [job('git', schedules.gitSchedule, sync)] : []),
  ];
  for (const one of jobs) one.start();
  const stop = () => {
    for (const one of jobs) one.stop();
  };
  return { stop };
}

interface JobOptions {
  readonly name: string;
  readonly schedule: string;
  readonly run: () => void | Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Runs once at each time of its schedule, and never beside itself: a time that comes while it runs is left out. The clock never goes
 * back, so that it goes on at its period when the machine's is set back; when that is set forward it runs once for all that was
 * passed over.
 */
class Job {
  readonly #options: JobOptions;
  readonly #nextAfter: (afterMs: number) => number | undefined;
  #timer: Timer | undefined;
  #isRunning = false;

  constructor(options: JobOptions) {
    this.#options = options;
    this.#nextAfter = timesOf(options.schedule);
  }

  start(): void {
    const { clock } = this.#options;
    const now = clock.now();
    const next = this.#nextAfter(now);
    if (next === undefined) return;
    this.#timer = clock.setTimer(next - now, () => {
      // First the next one: whatever becomes of this run.
      this.start();
      void this.#runOnce();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  async #runOnce(): Promise<void> {
    const { name, run, log } = this.#options;
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      await run();
      log.over?.('job failed', ({ job }) => job === name || undefined);
    } catch (error) {
      log('error', 'job failed', { job: name, error: explain(error) });
    } finally {
      this.#isRunning = false;
    }
  }
}
