import type { Bastion } from './bastion.ts';

/** `unknown`: it could not be looked at. `skipped`: it does not matter here, or something else has to be put right first. */
export type Verdict = 'ok' | 'warning' | 'problem' | 'unknown' | 'skipped';

/** What checks are about, in the order in which they are told. */
export const FINDING_GROUPS = [
  'Bastion',
  'Network',
  'Endpoints',
  'Security groups',
  'Roles',
  'Systems Manager',
  'Task',
  'Targets',
  'You',
  'Controller',
] as const;
export type FindingGroup = (typeof FINDING_GROUPS)[number];

/** What one check says. */
export interface Finding {
  /** Such as `dns-support`, or `endpoint/ecr.api` where one check looks at several things. */
  readonly check: string;
  readonly group: FindingGroup;
  readonly verdict: Verdict;
  readonly found: string;
  /** What puts it right: a command, or what to write into the spec. */
  readonly fix?: string | undefined;
}

export interface Examination {
  readonly region: string;
  readonly findings: readonly Finding[];
}

export interface ExaminationRequest {
  readonly bastion: Bastion;
  /** It is in the store; otherwise it is looked at before it is applied. */
  readonly isApplied: boolean;
  /** ARN of the role that the controller runs with, to ask IAM what that may do. */
  readonly controllerRole?: string | undefined;
}

/** Looks for everything that keeps a Bastion from working, with the credentials of the person who asks. Changes nothing. */
export interface Doctor {
  examine(request: ExaminationRequest, onProgress: (what: string) => void): Promise<Examination>;
}
