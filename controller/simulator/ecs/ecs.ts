import type { Iam } from '../iam/iam.ts';
import type { Logs } from '../logs/logs.ts';
import type { Place } from '../network.ts';
import type { Ssm } from '../ssm/ssm.ts';
import type { Operation, World } from '../world.ts';
import { logSession, sessionTargets } from './bastion.ts';
import { clusterOperations, taggingOperations } from './clusters.ts';
import { stopTask } from './ladder.ts';
import type { NetworkPort } from './network-port.ts';
import type { EcsContext, Task } from './state.ts';
import { taskDefinitionOperations } from './task-definitions.ts';
import { taskOperations } from './tasks.ts';

const NO_CAPACITY =
  'Capacity is unavailable at this time. Please try again later or in a different availability zone';

/** Simulated ECS on Fargate, and what our bastion image does inside its tasks. */
export interface Ecs {
  readonly operations: Readonly<Record<string, Operation>>;
  /** All tasks ECS remembers, stopped ones included. */
  tasks(): readonly Task[];
  /** Where a task's interface is; undefined once it is detached. */
  placeOf(taskArn: string): Place | undefined;
  /** What no list shows, though it is there: `tasks`. */
  readonly unlisted: Set<'tasks'>;
  /** Images their registry does not have. */
  readonly missingImages: Set<string>;
  /** Images made for one architecture only: on the other one the container cannot be executed. */
  readonly imageArchitectures: Map<string, 'X86_64' | 'ARM64'>;
  /** The next `times` RunTask calls find no capacity. */
  refuseCapacity(times: number, reason?: string): void;
  /** Fargate itself ends a task, as when it retires a host. */
  retire(taskArn: string): void;
  /** As StopTask, for another service that was allowed to. @throws AwsFault */
  stopTask(request: { readonly cluster: string; readonly task: string; readonly reason: string }): void;
}

export function createEcs(
  world: World,
  neighbours: { readonly iam: Iam; readonly network: NetworkPort; readonly ssm: Ssm; readonly logs: Logs },
  { runtimeMonitoring = false }: { readonly runtimeMonitoring?: boolean | undefined } = {},
): Ecs {
  const ecs: EcsContext = {
    world,
    ...neighbours,
    clusters: new Map(),
    definitions: new Map(),
    lastRevisions: new Map(),
    tasks: new Map(),
    runTokens: new Map(),
    missingImages: new Set(),
    imageArchitectures: new Map(),
    capacityFailures: { times: 0, reason: NO_CAPACITY },
    runtimeMonitoring,
    unlisted: new Set(),
  };
  neighbours.ssm.answerTaskTargets((target) => isConnected(ecs, target));
  neighbours.ssm.noticeSessions((session) => logSession(ecs, session));
  const tasks = taskOperations(ecs);
  return {
    operations: {
      ...clusterOperations(ecs),
      ...taskDefinitionOperations(ecs),
      ...tasks,
      ...taggingOperations(ecs),
    },
    tasks: () => [...ecs.tasks.values()],
    placeOf: (arn) => {
      const task = ecs.tasks.get(arn);
      return task && neighbours.network.placeOf(task.eni.eniId);
    },
    unlisted: ecs.unlisted,
    missingImages: ecs.missingImages,
    imageArchitectures: ecs.imageArchitectures,
    refuseCapacity: (times, reason = NO_CAPACITY) => {
      ecs.capacityFailures = { times, reason };
    },
    stopTask: (request) => void tasks['StopTask']?.(request),
    retire: (arn) => {
      const task = ecs.tasks.get(arn);
      if (task) stopTask(ecs, task, 'TerminationNotice', 'Task is being retired by Fargate');
    },
  };
}

/** Whether a target (`ecs:<cluster>_<task id>_<runtime id>`) is a running task whose Exec agent is connected. */
function isConnected(ecs: EcsContext, target: string): boolean {
  const id = target.split('_').at(-2);
  const task = [...ecs.tasks.values()].find((entry) => entry.id === id);
  if (!task || !sessionTargets(task).includes(target)) return false;
  return task.lastStatus === 'RUNNING' && task.agent?.connected() === true;
}
