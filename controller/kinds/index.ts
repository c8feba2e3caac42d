import { activation } from './activation.ts';
import { ecsCluster } from './ecs-cluster.ts';
import { iamRole } from './iam-role.ts';
import type { Kind } from './kind.ts';
import { logGroup } from './log-group.ts';
import { managedInstance } from './managed-instance.ts';
import { scheduleGroup } from './schedule-group.ts';
import { securityGroup } from './security-group.ts';
import { session } from './session.ts';
import { stopSchedule } from './stop-schedule.ts';
import { targetIngress } from './target-ingress.ts';
import { task } from './task.ts';
import { taskDefinition } from './task-definition.ts';
import { vpcEndpoint } from './vpc-endpoint.ts';

/** Every kind of resource the operator manages. */
export const KINDS: readonly Kind[] = [
  iamRole,
  logGroup,
  ecsCluster,
  scheduleGroup,
  securityGroup,
  vpcEndpoint,
  activation,
  taskDefinition,
  task,
  stopSchedule,
  managedInstance,
  targetIngress,
  session,
];
