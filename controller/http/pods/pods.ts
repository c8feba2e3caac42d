import { API_VERSION, type Bastion, condition, GROUP, KIND } from '../../api/bastion.ts';
import { type BastionTask, CONTAINER, taskId, taskOf } from '../../api/bastion-task.ts';
import type { ApiClient } from '../../api/client.ts';
import { localPorts, targetsOf } from '../../api/target.ts';
import type { KubeObject, ObjectMeta } from '../../machinery/object.ts';
import type { Resources } from '../../machinery/resources.ts';
import type { AddRoutes } from '../context.ts';
import type { Naming } from '../verbs/endpoint.ts';
import { projectResources } from '../verbs/projection.ts';
import { addProjection } from '../verbs/projection-routes.ts';
import { stableUid } from '../verbs/stable-uid.ts';
import type { ContainerPort, ContainerState, ContainerStatus, Pod, PodStatus } from './pod.ts';
import { podColumns } from './pod-columns.ts';

export const PODS: Naming = { group: '', version: 'v1', plural: 'pods', kind: 'Pod' };

const ADVICE = `a pod stands for a Bastion's task: change or delete the Bastion (bastions.${GROUP}) instead`;
const POD_LABEL = `${GROUP}/bastion`;

/** One pod for each Bastion that has a task. */
function podResources(api: ApiClient): Resources<KubeObject> {
  return projectResources<Bastion>({
    ...{ source: api.bastions, apiVersion: 'v1', kind: 'Pod', resource: 'pods', advice: ADVICE },
    selectable: [
      'metadata.name',
      'metadata.namespace',
      'status.phase',
      'spec.nodeName',
      'spec.restartPolicy',
    ],
    project: podOf,
  });
}

export const addPods: AddRoutes = (app, { api }) => {
  addProjection(app, { ...PODS, advice: ADVICE, columns: podColumns }, podResources(api));
};

/** Undefined while there is no task. */
function podOf(bastion: Bastion): Pod | undefined {
  const task = taskOf(bastion);
  if (!task) return undefined;
  const { cpu, memory, image } = bastion.spec.task;
  // 1024 CPU units are one CPU.
  const size = { cpu: `${Math.round((cpu * 1000) / 1024)}m`, memory: `${memory}Mi` };
  const resources = { limits: size, requests: size };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadataOf(bastion, task),
    spec: {
      containers: [
        { name: CONTAINER, ...(image === undefined ? {} : { image }), ports: portsOf(bastion), resources },
      ],
      restartPolicy: 'Always',
    },
    status: statusOf(bastion, task),
  };
}

/** As Kubernetes names ports: `kubectl port-forward pod/NAME PORT:TARGET` finds those whose targets are called so. */
const PORT_NAME = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/;

/** One for each target, with a number of its own even where two listen on the same. */
function portsOf(bastion: Bastion): readonly ContainerPort[] {
  const ports = localPorts(targetsOf(bastion));
  return [...ports].map(([name, containerPort]) => ({
    ...(PORT_NAME.test(name) ? { name } : {}),
    ...{ containerPort, protocol: 'TCP' },
  }));
}

function metadataOf({ metadata, status }: Bastion, { arn }: BastionTask): ObjectMeta {
  const { name, namespace, uid, resourceVersion, labels, creationTimestamp } = metadata;
  const target = status?.sessionTarget;
  const owner = {
    apiVersion: API_VERSION,
    kind: KIND,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  return {
    ...{ name, namespace, resourceVersion, generation: 1 },
    // A task that took another's place is a restart, not another pod.
    uid: stableUid(`pod of ${uid}`),
    creationTimestamp: status?.activatedAt ?? creationTimestamp,
    labels: { ...labels, [POD_LABEL]: name },
    annotations: {
      [`${GROUP}/task`]: arn,
      ...(target === undefined ? {} : { [`${GROUP}/session-target`]: target }),
    },
    ownerReferences: [owner],
  } as ObjectMeta;
}

/** The end of the task before, or the opening: when this one was started is not on record. */
function notBefore(status: Bastion['status']): string | undefined {
  return status?.task?.lastStoppedAt ?? status?.activatedAt;
}

function statusOf(bastion: Bastion, task: BastionTask): PodStatus {
  const { status, spec } = bastion;
  const isReady = task.state === 'running';
  const startTime = status?.activatedAt;
  const state = stateOf(bastion, task);
  const conditions = ['Initialized', 'PodScheduled', 'ContainersReady', 'Ready'].map((type, index) => ({
    ...{ type, status: isReady || index < 2 ? 'True' : 'False' },
    ...(isReady || index < 2 || task.message === '' ? {} : { reason: 'TaskNotReady', message: task.message }),
  }));
  const container: ContainerStatus = {
    ...{ name: CONTAINER, ready: isReady, started: 'running' in state },
    restartCount: status?.task?.attempt ?? 0,
    ...{ image: spec.task.image ?? '', imageID: '', containerID: `ecs://${taskId(task.arn)}` },
    ...{ state, lastState: lastStateOf(status) },
  };
  return {
    phase: 'running' in state || task.state === 'stopping' ? 'Running' : 'Pending',
    // As kubectl's tables say it; without a time of deletion there is no other place for it.
    ...(task.state === 'stopping' ? { reason: 'Terminating' } : {}),
    ...(task.message === '' ? {} : { message: task.message }),
    ...{ conditions, containerStatuses: [container] },
    ...(startTime === undefined ? {} : { startTime }),
  };
}

function stateOf(bastion: Bastion, { state, message }: BastionTask): ContainerState {
  const said = message === '' ? {} : { message };
  switch (state) {
    case 'starting':
      return { waiting: { reason: 'ContainerCreating', ...said } };
    case 'ended':
      // As a container that ended and is to be started again.
      return { waiting: { reason: 'CrashLoopBackOff', ...endOf(bastion.status) } };
    default:
      return { running: { startedAt: startedAt(bastion, state === 'running') } };
  }
}

function startedAt(bastion: Bastion, isReady: boolean): string | null {
  const running = condition(bastion, 'TaskRunning');
  return (isReady ? running?.lastTransitionTime : notBefore(bastion.status)) ?? null;
}

function endOf(status: Bastion['status']): { message?: string } {
  const message = status?.task?.lastStoppedReason;
  return message === undefined ? {} : { message };
}

function lastStateOf(status: Bastion['status']): ContainerState {
  const { lastStoppedArn, lastStoppedAt } = status?.task ?? {};
  if (lastStoppedArn === undefined) return {};
  const exitCode = exitCodeIn(status?.task?.lastStoppedReason);
  const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', ...endOf(status) };
  return {
    terminated: { ...terminated, ...(lastStoppedAt === undefined ? {} : { finishedAt: lastStoppedAt }) },
  };
}

/** The reason tells it when the container ended by itself. */
function exitCodeIn(reason = ''): number {
  return Number(/\bexited with (\d+)/.exec(reason)?.[1] ?? 0);
}
