import { type ScheduledTask, schedule, validate } from 'node-cron';
import type { Controller } from '../reconcile/manager.ts';

/** Cron expressions, with seconds if there are six fields. */
export interface Schedules {
  readonly resyncSchedule: string;
  readonly sweepSchedule: string;
  readonly gitSchedule: string;
}

/** With five fields or with six, of which the first is seconds. */
export function isSchedule(expression: string): boolean {
  return validate(expression);
}

/** The only timers that are not the injected clock's: cron expressions mean the machine's time. */
export function startJobs(
  options: Schedules,
  controller: Pick<Controller, 'resync' | 'sweep'>,
  sync: (() => Promise<void>) | undefined,
): ScheduledTask[] {
  const job = (expression: string, run: () => void | Promise<void>) =>
    schedule(expression, () => run(), { noOverlap: true, timezone: 'UTC' });
  return [
    job(options.resyncSchedule, () => controller.resync()),
    job(options.sweepSchedule, () => controller.sweep()),
    ...(sync ? [job(options.gitSchedule, sync)] : []),
  ];
}
