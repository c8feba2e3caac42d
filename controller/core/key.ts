import type { ObjectName } from '../machinery/object.ts';
import type { Key } from './resource.ts';

/** Short names of the AWS services whose endpoints the operator makes. */
export const ENDPOINT_SERVICES = ['ecr.api', 'ecr.dkr', 'logs', 'ssmmessages', 'ssm', 's3'] as const;
export type EndpointService = (typeof ENDPOINT_SERVICES)[number];

/** What each IAM role is for; roles with other content have other names. */
export const ROLE_NAMES = [
  'execution',
  'execution-with-secret',
  'task-exec',
  'task-activation',
  'ssm-service',
  'scheduler',
] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

/** How resources name each other, so that no kind needs to know another. */
export const keyFor = {
  role: (role: RoleName): Key => `iam-role/${role}`,
  logGroup: (): Key => 'log-group/main',
  cluster: (): Key => 'ecs-cluster/main',
  endpointGroup: (vpcId: string): Key => `security-group/${vpcId}/endpoints`,
  taskGroup: (vpcId: string, owner: ObjectName): Key => `security-group/${vpcId}/task/${owner}`,
  endpoint: (vpcId: string, service: EndpointService): Key => `vpc-endpoint/${vpcId}/${service}`,
  activation: (owner: ObjectName): Key => `activation/${owner}`,
  taskDefinition: (content: string): Key => `task-definition/${content}`,
  task: (owner: ObjectName): Key => `task/${owner}`,
  scheduleGroup: (): Key => 'schedule-group/main',
  stopSchedule: (owner: ObjectName): Key => `stop-schedule/${owner}`,
  managedInstance: (owner: ObjectName): Key => `managed-instance/${owner}`,
  targetIngress: (groupId: string, port: number, owner: ObjectName): Key =>
    `target-ingress/${groupId}/${port}/${owner}`,
  session: (target: string): Key => `session/${target}`,
} as const;

/** Names that follow from the installation alone; a task finds its log group by the same rule as the log group its name. */
export const nameFor = {
  cluster: (installation: string) => `bastion-${installation}`,
  scheduleGroup: (installation: string) => `bastion-${installation}`,
  logGroup: (installation: string) => `/bastion-operator/${installation}`,
  /**
   * Roles stand under a path of ours, but for one: Systems Manager takes at most 64 characters of path and name together
   * (the SDK's model of CreateActivation), so its role stands at the root and is known by its name and tags.
   */
  rolePath: (installation: string, region: string, role: RoleName) =>
    role === 'ssm-service' ? '/' : `/bastion-operator/${installation}/${region}/`,
  role: (installation: string, region: string, role: RoleName) => `bastion-${installation}-${region}-${role}`,
  parameter: (installation: string, owner: ObjectName) =>
    `/bastion-operator/${installation}/${owner}/activation`,
  parameterPath: (installation: string) => `/bastion-operator/${installation}/`,
} as const;

/** Such as `aws`: the second part of every ARN. China's regions are refused before (core/region.ts). */
export function partitionOf(region: string): string {
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
