import { present } from '../fields.ts';
import { scatter } from '../scatter.ts';
import { isSecurityAgent } from './runtime-monitoring.ts';
import { type Task, type TaskContainer, toTagList } from './state.ts';

const toDate = (at: number | undefined) => (at === undefined ? undefined : new Date(at));

export function describeTask(task: Task, withTags: boolean) {
  const { described } = task.definition;
  return present({
    taskArn: task.arn,
    clusterArn: task.cluster.arn,
    taskDefinitionArn: task.definition.arn,
    group: `family:${task.definition.family}`,
    launchType: 'FARGATE',
    platformVersion: '1.4.0',
    platformFamily: 'Linux',
    cpu: described['cpu'],
    memory: described['memory'],
    lastStatus: task.lastStatus,
    desiredStatus: task.desiredStatus,
    version: task.version,
    startedBy: task.startedBy,
    enableExecuteCommand: task.execEnabled,
    healthStatus: 'UNKNOWN',
    connectivity: task.pullStartedAt === undefined ? undefined : 'CONNECTED',
    connectivityAt: toDate(task.pullStartedAt),
    createdAt: toDate(task.createdAt),
    pullStartedAt: toDate(task.pullStartedAt),
    pullStoppedAt: toDate(task.pullStoppedAt),
    startedAt: toDate(task.startedAt),
    stoppingAt: toDate(task.stoppingAt),
    executionStoppedAt: toDate(task.executionStoppedAt),
    stoppedAt: toDate(task.stoppedAt),
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
    overrides: { containerOverrides: [], inferenceAcceleratorOverrides: [], ...task.overrides },
    attachments: [describeAttachment(task)],
    attributes: [{ name: 'ecs.cpu-architecture', value: task.definition.architecture.toLowerCase() }],
    containers: task.containers.map((container) => describeContainer(task, container)),
    tags: withTags ? toTagList(task.tags) : [],
  });
}

/** The interface's id shows once it is attached; until then only where it will be. */
function describeAttachment(task: Task) {
  const { eniId, subnetId, privateIp } = task.eni;
  const provisioning = task.lastStatus === 'PROVISIONING';
  const status = provisioning ? 'PRECREATED' : task.stoppedAt === undefined ? 'ATTACHED' : 'DELETED';
  return {
    id: task.attachmentId,
    type: 'ElasticNetworkInterface',
    status,
    details: scatter(
      [
        { name: 'subnetId', value: subnetId },
        ...(provisioning
          ? []
          : [
              { name: 'networkInterfaceId', value: eniId },
              { name: 'privateIPv4Address', value: privateIp },
            ]),
      ],
      task.id,
    ),
  };
}

function describeContainer(task: Task, container: TaskContainer) {
  return present({
    containerArn: container.arn,
    taskArn: task.arn,
    name: container.definition.name,
    image: container.definition.image,
    runtimeId: container.runtimeId,
    lastStatus: container.status,
    exitCode: container.exitCode,
    reason: container.reason,
    healthStatus: 'UNKNOWN',
    networkInterfaces:
      task.lastStatus === 'PROVISIONING'
        ? []
        : [{ attachmentId: task.attachmentId, privateIpv4Address: task.eni.privateIp }],
    managedAgents:
      task.execEnabled && !isSecurityAgent(container) ? [describeAgent(task, container)] : undefined,
    cpu: '0',
  });
}

/** The Exec agent as ECS tells of it; once the container stops, so does the agent. */
function describeAgent(task: Task, container: TaskContainer) {
  const ended = container.status === 'STOPPED';
  const { status, reason, connectedAt } = task.agent?.state() ?? { status: 'PENDING' };
  return present({
    name: 'ExecuteCommandAgent',
    lastStatus: ended ? 'STOPPED' : status,
    reason: ended ? undefined : reason,
    lastStartedAt: toDate(connectedAt),
  });
}
