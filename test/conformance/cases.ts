import { CLUSTER_CASES, DEFINITION_CASES } from './clusters.ts';
import { ENDPOINT_CASES } from './endpoints.ts';
import { IDENTITY_CASES } from './identity.ts';
import { LOG_STREAM_CASES } from './log-streams.ts';
import { SCHEDULE_CASES } from './schedules.ts';
import { SECURITY_GROUP_CASES } from './security-groups.ts';
import type { Case } from './subject.ts';
import { SYSTEMS_MANAGER_CASES } from './systems-manager.ts';
import { TASK_CASES } from './tasks.ts';

/** What AWS does, as far as the operator relies on it: the same for everything that stands in for AWS. */
export const CASES: readonly Case[] = [
  ...SECURITY_GROUP_CASES,
  ...ENDPOINT_CASES,
  ...IDENTITY_CASES,
  ...CLUSTER_CASES,
  ...DEFINITION_CASES,
  ...TASK_CASES,
  ...SYSTEMS_MANAGER_CASES,
  ...LOG_STREAM_CASES,
  ...SCHEDULE_CASES,
];
