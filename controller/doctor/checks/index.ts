import type { Check } from '../check.ts';
import { CONTROLLER_CHECKS } from './controller.ts';
import { ENDPOINT_CHECKS } from './endpoints.ts';
import { GROUP_CHECKS } from './groups.ts';
import { LIFE_CHECKS } from './life.ts';
import { NETWORK_CHECKS } from './network.ts';
import { ROLE_CHECKS } from './roles.ts';
import { SYSTEMS_MANAGER_CHECKS } from './systems-manager.ts';
import { TARGET_CHECKS } from './targets.ts';
import { TASK_CHECKS } from './task.ts';
import { CALLER_CHECKS } from './you.ts';

/** Every pitfall, in the order in which one leads to the next. */
export const CHECKS: readonly Check[] = [
  ...LIFE_CHECKS,
  ...NETWORK_CHECKS,
  ...ENDPOINT_CHECKS,
  ...GROUP_CHECKS,
  ...ROLE_CHECKS,
  ...SYSTEMS_MANAGER_CHECKS,
  ...TASK_CHECKS,
  ...TARGET_CHECKS,
  ...CALLER_CHECKS,
  ...CONTROLLER_CHECKS,
];
