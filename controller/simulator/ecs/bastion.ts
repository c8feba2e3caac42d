import { toRecord } from '../fields.ts';
import type { NetworkService } from '../network.ts';
import type { Session } from '../ssm/state.ts';
import { AwsFault } from '../world.ts';
import { logStream } from './image-pull.ts';
import { Probe } from './probe.ts';
import { isSecurityAgent } from './runtime-monitoring.ts';
import type { EcsContext, Task, TaskContainer } from './state.ts';

const CHANNELS = ['CreateControlChannel', 'CreateDataChannel', 'OpenControlChannel', 'OpenDataChannel'].map(
  (name) => `ssmmessages:${name}`,
);
/** Where the Exec agent writes; with a read-only root these must be mounts. */
const AGENT_PATHS = ['/managed-agents', '/var/lib/amazon/ssm', '/var/log/amazon/ssm'];

type Exit = (container: TaskContainer, exitCode: number) => void;

/** What runs in a container from RUNNING on: the Exec agent, the dead-man timer, the hybrid agent. */
export function startBastion(ecs: EcsContext, task: Task, container: TaskContainer, exit: Exit): void {
  const only = ecs.imageArchitectures.get(container.definition.image);
  if (only !== undefined && only !== task.definition.architecture) {
    write(ecs, task, container, 'exec /usr/local/bin/entrypoint: exec format error');
    exit(container, 1);
    return;
  }
  greet(ecs, task, container);
  if (task.execEnabled && task.agent === undefined) task.agent = execAgent(ecs, task, container);
  const deadline = container.environment.get('BASTION_DEADLINE');
  if (deadline !== undefined) armDeadMan(ecs, task, container, deadline, exit);
  if (container.environment.get('BASTION_TRANSPORT') === 'HybridActivation') {
    ecs.world.schedule(ecs.world.latencies.agentConnectMs / 2, () => {
      if (container.status === 'RUNNING') startHybridAgent(ecs, task, container, exit);
    });
  }
}

/** What the image's entry point says first. */
function greet(ecs: EcsContext, task: Task, container: TaskContainer): void {
  const { environment } = container;
  const owner = environment.get('BASTION_OWNER') ?? 'nobody';
  const transport = environment.get('BASTION_TRANSPORT') ?? 'EcsExec';
  write(ecs, task, container, `bastion: started for ${owner} in ${ecs.world.region}, transport ${transport}`);
  const deadline = environment.get('BASTION_DEADLINE');
  if (deadline) write(ecs, task, container, `bastion: ends by itself at ${deadline} at the latest`);
}

/** What a session does to its target shows in what the target's containers write. */
export function logSession(ecs: EcsContext, { id, target, document, endedAt }: Session): void {
  const task = [...ecs.tasks.values()].find((one) => {
    return one.nodeId === target || sessionTargets(one).includes(target);
  });
  const container = task?.containers.find(({ definition }) => definition.awslogs);
  if (!task || !container) return;
  const what = endedAt === undefined ? `started: ${document}` : 'ended';
  write(ecs, task, container, `bastion: session ${id} ${what}`);
}

/** The container is told to end. */
export function sayGoodbye(ecs: EcsContext, task: Task): void {
  for (const container of task.containers) {
    if (container.status === 'RUNNING')
      write(ecs, task, container, 'bastion: SIGTERM: ending sessions, exiting');
  }
}

/** The containers have ended: whatever was connected no longer is. */
export function endBastion(ecs: EcsContext, task: Task): void {
  for (const target of sessionTargets(task)) ecs.ssm.endSessions(target);
  if (task.nodeId !== undefined) ecs.ssm.endSessions(task.nodeId);
  const ActivationId = task.ownActivationId;
  if (ActivationId === undefined || !reaches(ecs, task, 'ssm') || !mayDo(ecs, task, 'ssm:DeleteActivation')) {
    return;
  }
  if (ecs.ssm.state.activations.has(ActivationId)) {
    ecs.ssm.operations['DeleteActivation']?.({ ActivationId });
  }
}

export function sessionTargets(task: Task): readonly string[] {
  return task.containers
    .filter((container) => container.runtimeId !== undefined && !isSecurityAgent(container))
    .map(({ runtimeId }) => `ecs:${task.cluster.name}_${task.id}_${runtimeId}`);
}

const reaches = (ecs: EcsContext, task: Task, service: NetworkService) =>
  ecs.network.reach(task.eni.eniId, service).ok;

const mayDo = (ecs: EcsContext, task: Task, action: string, resource = '*', context = {}) =>
  task.taskRole !== undefined && ecs.iam.allows(task.taskRole, action, resource, context);

function write(ecs: EcsContext, task: Task, container: TaskContainer, message: string): void {
  const group = container.definition.awslogs?.['awslogs-group'];
  if (typeof group === 'string') ecs.logs.write(group, logStream(task, container.definition), message);
}

function armDeadMan(
  ecs: EcsContext,
  task: Task,
  container: TaskContainer,
  deadline: string,
  exit: Exit,
): void {
  const at = Date.parse(deadline);
  if (Number.isNaN(at)) {
    write(ecs, task, container, `bastion: BASTION_DEADLINE is no RFC 3339 time: ${deadline}`);
    exit(container, 1);
    return;
  }
  ecs.world.schedule(Math.max(0, at - ecs.world.now()), () => {
    if (container.status !== 'RUNNING') return;
    write(ecs, task, container, `bastion: the deadline ${deadline} has come, exiting`);
    exit(container, 0);
  });
}

function execAgent(ecs: EcsContext, task: Task, container: TaskContainer): Probe {
  const { definition } = container;
  let hasTold = false;
  return new Probe(ecs.world, ecs.world.now() + ecs.world.latencies.agentConnectMs, () => {
    const unmounted = AGENT_PATHS.filter((path) => !definition.mountPaths.includes(path));
    if (definition.readonlyRoot && unmounted.length > 0) {
      return `The agent cannot write to ${unmounted.join(', ')}: the root filesystem is read-only.`;
    }
    const reach = ecs.network.reach(task.eni.eniId, 'ssmmessages');
    if (!reach.ok) return `The agent cannot reach ssmmessages: ${reach.detail}`;
    const missing = CHANNELS.find((action) => !mayDo(ecs, task, action));
    if (missing) return `The task role does not allow ${missing}.`;
    if (!hasTold) write(ecs, task, container, 'bastion: the Exec agent is connected');
    hasTold = true;
    return undefined;
  });
}

function startHybridAgent(ecs: EcsContext, task: Task, container: TaskContainer, exit: Exit): void {
  try {
    task.nodeId = registerNode(ecs, task, container);
    write(ecs, task, container, `bastion: registered as ${task.nodeId}`);
  } catch (error) {
    const reason = error instanceof AwsFault ? `${error.code}: ${error.message}` : String(error);
    write(ecs, task, container, `bastion: cannot register with Systems Manager: ${reason}`);
    exit(container, 1);
  }
}

/** Gives the node's id. @throws what stands in the way */
function registerNode(ecs: EcsContext, task: Task, container: TaskContainer): string {
  const reach = ecs.network.reach(task.eni.eniId, 'ssm');
  if (!reach.ok) throw new Error(`Post "https://ssm.${ecs.world.region}.amazonaws.com/": i/o timeout`);
  const activation = readActivation(container) ?? makeActivation(ecs, task, container);
  const role = ecs.ssm.state.activations.get(activation.id)?.role ?? '';
  return ecs.ssm.register({
    ...activation,
    name: `ip-${task.eni.privateIp.replaceAll('.', '-')}.ec2.internal`,
    ip: task.eni.privateIp,
    connected: hybridAgent(ecs, task, container, role),
  });
}

/** Connected while the container runs, the path is there and the node's own role lets it. */
function hybridAgent(ecs: EcsContext, task: Task, container: TaskContainer, role: string): () => boolean {
  const connectAt = (task.startedAt ?? ecs.world.now()) + ecs.world.latencies.agentConnectMs;
  const probe = new Probe(ecs.world, connectAt, () => {
    const service = (['ssm', 'ssmmessages'] as const).find((name) => !reaches(ecs, task, name));
    if (service) return `The agent cannot reach ${service}.`;
    const needed = ['ssm:UpdateInstanceInformation', ...CHANNELS];
    const missing = needed.find((action) => !ecs.iam.allows(role, action, '*'));
    return missing && `The role ${role} does not allow ${missing}.`;
  });
  return () => container.status === 'RUNNING' && probe.connected();
}

/** The activation handed over as a secret; what it holds is never repeated in an error. */
function readActivation(container: TaskContainer): { id: string; code: string } | undefined {
  const secret = container.environment.get('BASTION_ACTIVATION');
  if (secret === undefined) return undefined;
  try {
    const { id, code } = toRecord(JSON.parse(secret));
    if (typeof id === 'string' && typeof code === 'string') return { id, code };
  } catch {}
  throw new Error('BASTION_ACTIVATION must be JSON with "id" and "code".');
}

/** The container makes an activation of its own, with the task role's permissions. */
function makeActivation(ecs: EcsContext, task: Task, container: TaskContainer): { id: string; code: string } {
  const { environment } = container;
  const role = environment.get('BASTION_SSM_ROLE');
  if (!role) throw new Error('neither BASTION_ACTIVATION nor BASTION_SSM_ROLE is set.');
  const roleName = role.replace(/^arn:aws:iam::\d+:role\//, '');
  const roleArn = `arn:aws:iam::${ecs.world.accountId}:role/${roleName}`;
  const permissions: [action: string, resource: string, context?: Record<string, string>][] = [
    ['ssm:CreateActivation', '*'],
    ['ssm:AddTagsToResource', '*'],
    ['iam:PassRole', roleArn, { 'iam:PassedToService': 'ssm.amazonaws.com' }],
  ];
  const denied = permissions.find((permission) => !mayDo(ecs, task, ...permission));
  if (denied) {
    throw new AwsFault(
      'AccessDeniedException',
      `${task.taskRole ?? 'the task'} is not authorized to perform: ${denied[0]} on resource: ${denied[1]}`,
    );
  }
  const tags = toRecord(JSON.parse(environment.get('BASTION_ACTIVATION_TAGS') || '{}'));
  const made = toRecord(
    ecs.ssm.operations['CreateActivation']?.({
      IamRole: roleName,
      Description: `Bastion ${environment.get('BASTION_OWNER') ?? ''}, made by its own task`,
      DefaultInstanceName: environment.get('BASTION_ACTIVATION_NAME'),
      Tags: Object.entries(tags).map(([Key, value]) => ({ Key, Value: String(value) })),
    }),
  );
  const id = String(made['ActivationId']);
  task.ownActivationId = id;
  return { id, code: String(made['ActivationCode']) };
}
