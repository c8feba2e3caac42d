import { Fields } from '../fields.ts';
import type { Iam } from '../iam/iam.ts';
import type { Logs } from '../logs/logs.ts';
import { scatter } from '../scatter.ts';
import type { Ssm } from '../ssm/ssm.ts';
import { AwsFault, type Input, type World } from '../world.ts';
import type { AttachedEni, NetworkPort } from './network-port.ts';
import type { Probe } from './probe.ts';

export interface Cluster {
  readonly name: string;
  readonly arn: string;
  status: 'ACTIVE' | 'INACTIVE';
  readonly tags: Map<string, string>;
}

export interface ContainerDefinition {
  readonly name: string;
  readonly image: string;
  readonly essential: boolean;
  readonly environment: ReadonlyMap<string, string>;
  readonly secrets: readonly { readonly name: string; readonly valueFrom: string }[];
  /** The awslogs options, when that is the log driver. */
  readonly awslogs: Readonly<Record<string, unknown>> | undefined;
  readonly readonlyRoot: boolean;
  readonly mountPaths: readonly string[];
}

export interface TaskDefinition {
  readonly arn: string;
  readonly family: string;
  readonly revision: number;
  status: 'ACTIVE' | 'INACTIVE' | 'DELETE_IN_PROGRESS';
  readonly registeredAt: number;
  deregisteredAt: number | undefined;
  readonly taskRole: string | undefined;
  readonly executionRole: string | undefined;
  readonly architecture: string;
  readonly containers: readonly ContainerDefinition[];
  /** What was registered, with AWS's defaults filled in, as it is described. */
  readonly described: Readonly<Record<string, unknown>>;
  readonly tags: Map<string, string>;
}

export type TaskStatus =
  | 'PROVISIONING'
  | 'PENDING'
  | 'ACTIVATING'
  | 'RUNNING'
  | 'DEACTIVATING'
  | 'STOPPING'
  | 'DEPROVISIONING'
  | 'STOPPED';

export interface TaskContainer {
  readonly definition: ContainerDefinition;
  /** Environment of the definition merged with RunTask's overrides; secrets join it when the task starts. */
  readonly environment: Map<string, string>;
  readonly arn: string;
  runtimeId: string | undefined;
  status: 'PENDING' | 'RUNNING' | 'STOPPED';
  exitCode: number | undefined;
  reason: string | undefined;
}

export interface Task {
  readonly id: string;
  readonly arn: string;
  readonly cluster: Cluster;
  readonly definition: TaskDefinition;
  readonly taskRole: string | undefined;
  readonly executionRole: string | undefined;
  readonly startedBy: string | undefined;
  readonly execEnabled: boolean;
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly eni: AttachedEni;
  readonly attachmentId: string;
  readonly containers: readonly TaskContainer[];
  readonly tags: Map<string, string>;
  readonly createdAt: number;
  /** The Exec agent's connection; defined once a task with Exec runs. */
  agent: Probe | undefined;
  /** The managed node this task registered, and the activation it made for itself. */
  nodeId: string | undefined;
  ownActivationId: string | undefined;
  lastStatus: TaskStatus;
  desiredStatus: 'RUNNING' | 'STOPPED';
  version: number;
  pullStartedAt: number | undefined;
  pullStoppedAt: number | undefined;
  startedAt: number | undefined;
  stoppingAt: number | undefined;
  executionStoppedAt: number | undefined;
  stoppedAt: number | undefined;
  stopCode: string | undefined;
  stoppedReason: string | undefined;
}

/** What the parts of simulated ECS share. */
export interface EcsContext {
  readonly world: World;
  readonly iam: Iam;
  readonly ssm: Ssm;
  readonly logs: Logs;
  readonly network: NetworkPort;
  readonly clusters: Map<string, Cluster>;
  /** By ARN. */
  readonly definitions: Map<string, TaskDefinition>;
  readonly lastRevisions: Map<string, number>;
  /** By ARN; stopped ones for an hour. */
  readonly tasks: Map<string, Task>;
  readonly runTokens: Map<string, RunToken>;
  /** Images their registry does not have. */
  readonly missingImages: Set<string>;
  /** Images made for one architecture only. */
  readonly imageArchitectures: Map<string, 'X86_64' | 'ARM64'>;
  capacityFailures: { times: number; reason: string };
  /** Tasks that no list shows, though they run. */
  readonly unlisted: Set<'tasks'>;
  /** GuardDuty watches every task, from a container of its own. */
  readonly runtimeMonitoring: boolean;
}

/** A RunTask client token: the request it stood for, and what came of it. */
export interface RunToken {
  readonly parameters: string;
  readonly at: number;
  readonly tasks: readonly Task[];
}

export const invalid = (message: string): AwsFault => new AwsFault('InvalidParameterException', message);
export const clientError = (message: string): AwsFault => new AwsFault('ClientException', message);

export function readInput(input: Input): Fields {
  return new Fields(input, invalid);
}

export function arnOf(world: World, rest: string): string {
  return `arn:aws:ecs:${world.region}:${world.accountId}:${rest}`;
}

/** An active cluster by name or ARN; `default` when not named. @throws AwsFault ClusterNotFoundException */
export function getCluster(ecs: EcsContext, reference = 'default'): Cluster {
  const cluster = ecs.clusters.get(reference.split('/').at(-1) ?? reference);
  if (!cluster) throw new AwsFault('ClusterNotFoundException', 'Cluster not found.');
  if (cluster.status === 'ACTIVE') return cluster;
  throw new AwsFault('ClusterNotFoundException', 'The referenced cluster was inactive.');
}

/** By ARN, `family:revision`, or family (its latest active revision). */
export function findDefinition(ecs: EcsContext, reference: string): TaskDefinition | undefined {
  const name = reference.split('/').at(-1) ?? reference;
  if (name.includes(':')) return ecs.definitions.get(arnOf(ecs.world, `task-definition/${name}`));
  return [...ecs.definitions.values()]
    .filter(({ family, status }) => family === name && status === 'ACTIVE')
    .sort((a, b) => b.revision - a.revision)[0];
}

export function toTagList(tags: ReadonlyMap<string, string>) {
  return scatter([...tags], [...tags.keys()].join()).map(([key, value]) => ({ key, value }));
}
