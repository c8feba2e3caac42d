import { scatter } from '../scatter.ts';
import type { ContainerDefinition, EcsContext, TaskContainer } from './state.ts';

/*
 * GuardDuty Runtime Monitoring puts a container of its own into every Fargate task, and an override with its own environment
 * beside those that RunTask was given. Nothing says where in either list.
 */
const AGENT = 'aws-guardduty-agent-';

export function isSecurityAgent({ definition }: TaskContainer): boolean {
  return definition.name.startsWith(AGENT);
}

/** The containers of a new task, with the agent's among them where the account has monitoring on. */
export function withSecurityAgent(
  ecs: EcsContext,
  taskId: string,
  containers: readonly TaskContainer[],
): TaskContainer[] {
  if (!ecs.runtimeMonitoring) return [...containers];
  const { region } = ecs.world;
  const definition: ContainerDefinition = {
    name: `${AGENT}${taskId.slice(0, 8)}`,
    image: `593207742271.dkr.ecr.${region}.amazonaws.com/aws-guardduty-agent-fargate:v1.7.0`,
    essential: false,
    environment: new Map(Object.entries(ENVIRONMENT)),
    secrets: [],
    awslogs: undefined,
    readonlyRoot: false,
    mountPaths: [],
  };
  const agent: TaskContainer = {
    definition,
    environment: new Map(definition.environment),
    arn: `${containers[0]?.arn.slice(0, -8) ?? ''}${taskId.slice(0, 8)}`,
    runtimeId: undefined,
    status: 'PENDING',
    exitCode: undefined,
    reason: undefined,
  };
  return scatter([...containers, agent], `${taskId} containers`);
}

const ENVIRONMENT = { CLUSTER_NAME: 'guardduty', STAGE: 'prod', AGENT_TYPE: 'FARGATE' };

/** What RunTask was given, with the agent's override somewhere among it. */
export function withSecurityOverride(
  ecs: EcsContext,
  taskId: string,
  overrides: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const given = overrides['containerOverrides'];
  const own: unknown[] = Array.isArray(given) ? given : [];
  const environment = Object.entries(ENVIRONMENT).map(([name, value]) => ({ name, value }));
  const agent = ecs.runtimeMonitoring ? [{ name: `${AGENT}${taskId.slice(0, 8)}`, environment }] : [];
  const all = [...own, ...agent].map((one) => withScatteredEnvironment(one, taskId));
  return { ...overrides, containerOverrides: scatter(all, `${taskId} overrides`) };
}

function withScatteredEnvironment(override: unknown, taskId: string): unknown {
  if (typeof override !== 'object' || override === null || !('environment' in override)) return override;
  const { environment } = override;
  return Array.isArray(environment) ? { ...override, environment: scatter(environment, taskId) } : override;
}
