import type { KubeObject } from '../machinery/object.ts';
import type { BastionSpec, BastionStatus } from './generated/bastion.ts';

export type { BastionSpec, BastionStatus } from './generated/bastion.ts';

export const GROUP = 'bastion-operator.dev';
export const API_VERSION = `${GROUP}/v1alpha1`;
export const KIND = 'Bastion';

/** Of what the controller keeps for itself, and for the whole store. */
export const SYSTEM_NAMESPACE = 'bastion-system';

/** Keeps a deleted Bastion in the store until a complete snapshot shows that nothing of it is left. */
export const FINALIZER = `${GROUP}/teardown`;

export const ANNOTATION = {
  /** RFC 3339; a later value restarts the TTL (`bastionctl renew`). */
  renewedAt: `${GROUP}/renewed-at`,
  /** RFC 3339; written at the first sync of a git source: the TTL counts from the commit, not from now. */
  activateFrom: `${GROUP}/activate-from`,
  /** Which source owns this object, as `URL#ref:path`. */
  source: `${GROUP}/source`,
  sourcePath: `${GROUP}/source-path`,
  sourceCommit: `${GROUP}/source-commit`,
  sourceAuthor: `${GROUP}/source-author`,
  /** Of the document in the source that is in force: a Bastion closed by hand opens again when that changes. */
  sourceDigest: `${GROUP}/source-digest`,
  /** Why the newest manifest in the source is not in force, while the last good spec stays. */
  sourceError: `${GROUP}/source-error`,
  /** Who set spec.suspend, and when, as far as the server knows; `git` for the file it comes from. */
  suspendedBy: `${GROUP}/suspended-by`,
  suspendedAt: `${GROUP}/suspended-at`,
  /** On a Guard: the token of what a person lets go, and who that was (`bastionctl confirm`). */
  confirm: `${GROUP}/confirm`,
  confirmedBy: `${GROUP}/confirmed-by`,
  lastApplied: 'kubectl.kubernetes.io/last-applied-configuration',
} as const;

/** Suspends a Bastion whose file says so: as `suspended-by`. */
export const BY_GIT = 'git';

export interface Bastion extends KubeObject {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof KIND;
  readonly spec: BastionSpec;
  readonly status?: BastionStatus;
}

/** Fields of a status that decide how long a Bastion may be open. All of them RFC 3339. */
export const ACTIVATION_TIMES = ['activatedAt', 'expiresAt', 'endedAt', 'renewedAt', 'endsBy'] as const;

/**
 * What decides how long a Bastion may be open. The status shows it, and the controller keeps its own copy, which counts: whoever
 * can write a status must not be able to move an end.
 */
export type Activation = Pick<BastionStatus, (typeof ACTIVATION_TIMES)[number]>;

export type Phase = NonNullable<BastionStatus['phase']>;
export type Condition = NonNullable<BastionStatus['conditions']>[number];
export type ConditionType = Condition['type'];
export type ResourceStatus = NonNullable<BastionStatus['resources']>[number];

export function condition(bastion: Bastion, type: ConditionType): Condition | undefined {
  return bastion.status?.conditions?.find((candidate) => candidate.type === type);
}
