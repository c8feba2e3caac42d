import type { Bastion, ConditionType } from '../api/bastion.ts';
import type { Target } from '../api/target.ts';
import type { ObjectName } from '../machinery/object.ts';

/** The kinds in the order of creation; teardown runs the other way round. */
export const KIND_NAMES = [
  'iam-role',
  'log-group',
  'ecs-cluster',
  'schedule-group',
  'security-group',
  'vpc-endpoint',
  'activation',
  'task-definition',
  'task',
  'stop-schedule',
  'managed-instance',
  'target-ingress',
  'session',
] as const;
export type KindName = (typeof KIND_NAMES)[number];

/** Deterministic identity of a resource: two Bastions that need the same thing name it by the same key. */
export type Key = `${KindName}/${string}`;

export function kindOf(key: Key): KindName {
  return key.slice(0, key.indexOf('/')) as KindName;
}

export type Tags = Readonly<Record<string, string>>;

/** What should exist, and for whom. */
export interface Desired<Spec = unknown> {
  readonly kind: KindName;
  readonly key: Key;
  readonly spec: Spec;
  /** Keys that must be ready before this one can be created. */
  readonly needs: readonly Key[];
  /** Keys that must be there, ready or not, before this one can be created or updated. */
  readonly follows?: readonly Key[];
  /** The condition that reports on it, where that is not its kind's. */
  readonly condition?: ConditionType;
  /** People's own tags (spec.tags); the operator's come on top when it is created. */
  readonly tags: Tags;
  readonly owners: readonly ObjectName[];
  /** Shared resources are claimed by whoever needs them; the others belong to one Bastion for good. */
  readonly shared: boolean;
  /** Id of somebody else's resource that already does the job: used, never changed, never deleted. */
  readonly adopts?: string;
  /**
   * Something else makes it (an agent registers itself): never created by us, kept while wanted, removed after.
   * A `required` one must be there before the Bastion is Ready.
   */
  readonly external?: 'required' | 'optional';
  /**
   * Tells one life of the resource from the next, for client tokens: AWS may remember a token longer than the resource
   * lived (aws-facts 1).
   */
  readonly generation?: string;
  /** Do not create before this instant (epoch ms): the last one failed and the back-off runs. */
  readonly notBefore?: number;
  /** Id of the last predecessor whose end is on record; a later end is recorded before a successor is created. */
  readonly recordedEnd?: string;
  /** The start of the activation it is wanted for, RFC 3339: how another one's ended is nothing to this one. */
  readonly activatedAt?: string;
}

/** `gone`: it ended, and AWS still shows it for a while; it holds nothing and only tells why. */
export type ObservedState = 'pending' | 'ready' | 'failed' | 'deleting' | 'gone';

/** What AWS says exists. */
export interface Observed<Detail = unknown> {
  readonly kind: KindName;
  readonly key: Key;
  /** How AWS names it: id, ARN or name, whatever the kind's calls take. */
  readonly id: string;
  /** Carries this installation's tag (or path): only then may it be changed or deleted. */
  readonly owned: boolean;
  readonly state: ObservedState;
  readonly detail: Detail;
  /** The Bastion it was made for, from its tags; unset on shared resources. */
  readonly owner?: ObjectName;
  /** Ids of other resources that cannot go while this one is there. */
  readonly uses: readonly string[];
  /** What a person should know about its state, such as why a task stopped. */
  readonly message?: string;
  /** How it ended; `gone` ones only. */
  readonly end?: End;
  /** What Session Manager connects to, once somebody can. */
  readonly sessionTarget?: string;
}

export interface End {
  /** Epoch milliseconds. */
  readonly at: number;
  /** How long it ran before. */
  readonly ranMs: number;
  /** False when we stopped it ourselves. */
  readonly failed: boolean;
  /** The start of the activation that it belonged to, RFC 3339; undefined when it does not say. */
  readonly activatedAt?: string;
}

export type Lookup = (key: Key) => Observed | undefined;

/** Says why a Bastion cannot be served as written; found before anything is created. */
export interface Problem {
  readonly condition: ConditionType;
  /** One CamelCase word. */
  readonly reason: string;
  readonly message: string;
  /** Not known yet rather than wrong: nobody has to do anything but wait for the next look. */
  readonly passing?: boolean;
  /** Holds up only what it is about: everything else of the Bastion goes on. */
  readonly partial?: boolean;
  /** Of this kind the Bastion may want more than is known: nothing of it is outgrown until that is. */
  readonly unknown?: KindName;
}

export type Difference =
  | { readonly verdict: 'same' }
  /**
   * `harmless`: it does its job as it is, and nobody has to wait for the update. `restricts`: as it is it may let in, or last for,
   * more than is wanted.
   */
  | {
      readonly verdict: 'update';
      readonly why: string;
      readonly harmless?: boolean;
      readonly restricts?: boolean;
    }
  | { readonly verdict: 'replace'; readonly why: string }
  | { readonly verdict: 'pending'; readonly why: string };

export const SAME: Difference = { verdict: 'same' };

/** A Bastion together with the life that its needs are derived for. */
export interface Claim {
  readonly bastion: Bastion;
  /** Those of its targets whose address is known. */
  readonly targets: readonly Target[];
  readonly activatedAt: number;
  readonly expiresAt: number;
}

/** What the operator was told for one account and region. */
export interface Settings {
  /** Tells this controller's resources from those of another in the same account. */
  readonly installation: string;
  readonly image: string;
  readonly maxTtlMs: number;
  /**
   * ARN of the policy that bounds every role the operator makes; `{account}` stands for the account's number. Left out: a
   * boundary that somebody else set stays.
   */
  readonly permissionsBoundary?: string | undefined;
  /** Why nothing new may be opened there. */
  readonly closed?: string | undefined;
}
