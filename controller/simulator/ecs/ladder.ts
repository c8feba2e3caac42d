import { endBastion, sayGoodbye, startBastion } from './bastion.ts';
import { findStartFailure } from './image-pull.ts';
import { isSecurityAgent } from './runtime-monitoring.ts';
import type { EcsContext, Task, TaskContainer, TaskStatus } from './state.ts';

/** How long ECS remembers a stopped task. */
const REMEMBERED_MS = 3_600_000;
/** The part of stopping that a task spends deactivating. */
const DEACTIVATING_SHARE = 0.25;

/** Sets a new task going: PROVISIONING -> PENDING -> ACTIVATING -> RUNNING. */
export function startTask(ecs: EcsContext, task: Task): void {
  const { latencies } = ecs.world;
  onward(ecs, task, latencies.taskProvisionMs, () => {
    moveTo(task, 'PENDING');
    task.pullStartedAt = ecs.world.now();
    onward(ecs, task, latencies.taskPullMs, () => {
      const failure = findStartFailure(ecs, task);
      if (failure !== undefined) return failTask(ecs, task, failure);
      task.pullStoppedAt = ecs.world.now();
      moveTo(task, 'ACTIVATING');
      onward(ecs, task, latencies.taskActivateMs, () => runTask(ecs, task));
    });
  });
}

/** A step up the ladder; void once the task is on its way down. */
function onward(ecs: EcsContext, task: Task, delayMs: number, step: () => void): void {
  ecs.world.schedule(delayMs, () => {
    if (task.stoppingAt === undefined) step();
  });
}

function moveTo(task: Task, status: TaskStatus): void {
  task.lastStatus = status;
  task.version += 1;
}

function runTask(ecs: EcsContext, task: Task): void {
  task.startedAt = ecs.world.now();
  moveTo(task, 'RUNNING');
  for (const container of task.containers) {
    container.status = 'RUNNING';
    container.runtimeId = `${task.id}-${Number.parseInt(ecs.world.hex(8), 16)}`;
    for (const { name, valueFrom } of container.definition.secrets) {
      container.environment.set(name, ecs.ssm.parameterValue(valueFrom) ?? '');
    }
  }
  const exit = (container: TaskContainer, code: number) => exitContainer(ecs, task, container, code);
  for (const container of task.containers)
    if (!isSecurityAgent(container)) startBastion(ecs, task, container, exit);
}

function failTask(ecs: EcsContext, task: Task, reason: string): void {
  beginStop(ecs, task, 'TaskFailedToStart', reason);
  for (const container of task.containers) {
    if (reason.startsWith('Cannot')) container.reason = reason;
  }
  deprovision(ecs, task);
}

/** A container ended by itself; an essential one takes the task with it. */
function exitContainer(ecs: EcsContext, task: Task, container: TaskContainer, exitCode: number): void {
  if (container.status === 'STOPPED') return;
  container.status = 'STOPPED';
  container.exitCode = exitCode;
  if (!container.definition.essential || task.stoppingAt !== undefined) return;
  beginStop(ecs, task, 'EssentialContainerExited', 'Essential container in task exited');
  deprovision(ecs, task);
}

/** Stops a task from outside: DEACTIVATING -> STOPPING -> DEPROVISIONING -> STOPPED. Nothing when it already stops. */
export function stopTask(ecs: EcsContext, task: Task, stopCode: string, reason: string): void {
  if (task.stoppingAt !== undefined) return;
  const { taskStopMs } = ecs.world.latencies;
  const ran = task.lastStatus === 'RUNNING';
  sayGoodbye(ecs, task);
  beginStop(ecs, task, stopCode, reason);
  const deactivatingMs = ran ? taskStopMs * DEACTIVATING_SHARE : 0;
  moveTo(task, ran ? 'DEACTIVATING' : 'STOPPING');
  ecs.world.schedule(deactivatingMs, () => {
    if (ran) moveTo(task, 'STOPPING');
    ecs.world.schedule(taskStopMs - deactivatingMs, () => deprovision(ecs, task));
  });
}

function beginStop(ecs: EcsContext, task: Task, stopCode: string, reason: string): void {
  task.stoppingAt = ecs.world.now();
  task.desiredStatus = 'STOPPED';
  task.stopCode = stopCode;
  task.stoppedReason = reason;
}

function deprovision(ecs: EcsContext, task: Task): void {
  for (const container of task.containers) {
    // Without an exit code the container never ran.
    if (container.status === 'RUNNING') container.exitCode = 0;
    container.status = 'STOPPED';
  }
  endBastion(ecs, task);
  task.executionStoppedAt = ecs.world.now();
  moveTo(task, 'DEPROVISIONING');
  ecs.world.schedule(ecs.world.latencies.taskDeprovisionMs, () => {
    ecs.network.detach(task.eni.eniId);
    task.stoppedAt = ecs.world.now();
    task.tags.clear();
    moveTo(task, 'STOPPED');
    ecs.world.schedule(REMEMBERED_MS, () => ecs.tasks.delete(task.arn));
  });
}
