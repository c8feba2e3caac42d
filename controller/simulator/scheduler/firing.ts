import { toRecord } from '../fields.ts';
import { AwsFault, type Input } from '../world.ts';
import type { Schedule, SchedulerState } from './state.ts';

/** Schedules fire within the minute that follows their time. */
const PRECISION_MS = 60_000;
const STOP_TASK = /^arn:aws[\w-]*:scheduler:::aws-sdk:ecs:stopTask$/;

/** When a one-time schedule is due, epoch milliseconds; undefined for every other expression. */
export function instantOf(described: Input): number | undefined {
  const [, time] =
    /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/.exec(String(described['ScheduleExpression'])) ?? [];
  const zone = described['ScheduleExpressionTimezone'] ?? 'UTC';
  const at = time !== undefined && zone === 'UTC' ? Date.parse(`${time}Z`) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** Has a one-time schedule fire, unless it is changed or deleted before. */
export function armSchedule(state: SchedulerState, schedule: Schedule): void {
  const at = instantOf(schedule.described);
  if (at === undefined) return;
  const { world, schedules } = state;
  const key = `${schedule.group.name}/${schedule.name}`;
  world.schedule(at + latenessOf(schedule) - world.now(), () => {
    if (schedules.get(key) !== schedule || schedule.described['State'] !== 'ENABLED') return;
    invoke(state, schedule);
    if (schedule.described['ActionAfterCompletion'] === 'DELETE') schedules.delete(key);
  });
}

/** The same for the same schedule, and another for the next; never as much as the precision. */
function latenessOf({ arn, described }: Schedule): number {
  let hash = 0;
  for (const character of `${arn} ${described['ScheduleExpression']}`)
    hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0;
  return hash % PRECISION_MS;
}

/** Calls the target as the schedule's role, if that may be assumed and is allowed to. What is refused is dropped, as without a dead-letter queue. */
function invoke({ iam, stopTask, world }: SchedulerState, { group, described }: Schedule): void {
  const target = toRecord(described['Target']);
  const role = String(target['RoleArn']);
  if (!STOP_TASK.test(String(target['Arn']))) return;
  const { Cluster, Task, Reason } = toRecord(parse(target['Input']));
  const [cluster, task] = [String(Cluster), String(Task)];
  const context = { 'ecs:cluster': `arn:aws:ecs:${world.region}:${world.accountId}:cluster/${cluster}` };
  const isTrusted = iam.roleUsable(role, 'scheduler.amazonaws.com', world.region, group.arn);
  if (!isTrusted || !iam.allows(role, 'ecs:StopTask', task, context)) return;
  try {
    stopTask({ cluster, task, reason: String(Reason ?? 'Task stopped by user') });
  } catch (error) {
    // It is gone already.
    if (!(error instanceof AwsFault)) throw error;
  }
}

function parse(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
