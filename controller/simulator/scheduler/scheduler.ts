import type { Iam } from '../iam/iam.ts';
import type { Operation, World } from '../world.ts';
import { groupOperations, taggingOperations } from './groups.ts';
import { scheduleOperations } from './schedules.ts';
import { arnOf, type Schedule, type ScheduleGroup, type SchedulerState, type StopTask } from './state.ts';

/** Simulated EventBridge Scheduler: groups, schedules, and the one call that is made when they fire. */
export interface Scheduler {
  readonly operations: Readonly<Record<string, Operation>>;
  /** By name. */
  readonly groups: ReadonlyMap<string, ScheduleGroup>;
  /** By `group/name`. */
  readonly schedules: Map<string, Schedule>;
}

export function createScheduler(
  world: World,
  neighbours: { readonly iam: Iam; readonly stopTask: StopTask },
): Scheduler {
  const state: SchedulerState = { world, ...neighbours, groups: new Map(), schedules: new Map() };
  const [createdAt, name] = [world.now(), 'default'];
  state.groups.set(name, {
    ...{ name, arn: arnOf(world, 'schedule-group/default'), state: 'ACTIVE', tags: new Map() },
    ...{ createdAt, modifiedAt: createdAt },
  });
  return {
    operations: { ...scheduleOperations(state), ...groupOperations(state), ...taggingOperations(state) },
    groups: state.groups,
    schedules: state.schedules,
  };
}
