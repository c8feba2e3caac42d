import type { Bastion, ConditionType } from '../api/bastion.ts';
import type { Aws, Scope } from '../aws/aws.ts';
import type { Wish } from '../core/desired.ts';
import type { Facts } from '../core/facts.ts';
import type {
  Claim,
  Desired,
  Difference,
  KindName,
  Lookup,
  Observed,
  Problem,
  Settings,
} from '../core/resource.ts';

/** Everything the operator knows about one kind of AWS resource. */
export interface KindDefinition<Spec, Detail> {
  readonly name: KindName;
  /** The condition of the Bastion that reports on it. */
  readonly condition: ConditionType;
  /**
   * Costs nothing, opens nothing, and a running bastion does not depend on it: listed again only when a pass has
   * something to do, not at each quiet resync.
   */
  readonly inert?: boolean;
  /**
   * A second way to end what the operator ends by itself; harmless when it is left behind. Where AWS refuses the whole kind, or
   * gives no answer about it for some minutes, everything goes on without it, and it is asked for again at each resync.
   */
  readonly safeguard?: boolean;
  /** Several live resources may share a key. */
  readonly many?: boolean;
  /** It is found by a name that only one can have: somebody else's is in the way. */
  readonly oneByName?: boolean;
  /** Kinds of the same Bastion that leave first, although no id ties them together. */
  readonly leavesAfter?: readonly KindName[];
  /** Pure: which of these does this Bastion need? */
  desire(claim: Claim, facts: Facts, settings: Settings): readonly (Wish & { readonly spec: Spec })[];
  /** Pure: what would make a creation fail, found before anything is created. */
  preflight?(claim: Claim, facts: Facts, settings: Settings): readonly Problem[];
  /** Pure; both specs of one key made one, or undefined when they contradict. */
  merge?(a: Spec, b: Spec): Spec | undefined;
  /** Other kinds that `diff` looks up: while one of them is unknown, it cannot tell a difference. */
  readonly compares?: readonly KindName[];
  /** Pure. */
  diff(desired: Desired<Spec>, observed: Observed<Detail>, lookup: Lookup): Difference;
  /** Pure: what a person should know about its state, from what else is known. Undefined: nothing beyond `observed.message`. */
  diagnose?(observed: Observed<Detail>, context: Surroundings): string | undefined;
  /** Exhaustive, or throws; for the whole scope at once. `before` is the list of the last pass, to leave out what cannot have changed. */
  list(
    aws: Aws,
    before: readonly Observed<Detail>[] | undefined,
    /** Those that began after this and have ended are wanted as well, where a kind can tell (epoch milliseconds). */
    endedSince?: number,
  ): Promise<readonly Observed<Detail>[]>;
  /** Idempotent by client token or natural name. Undefined when it only shows in a later list. Never called on external kinds. */
  create?(aws: Aws, desired: Desired<Spec>, lookup: Lookup): Promise<Observed<Detail> | undefined>;
  update?(
    aws: Aws,
    desired: Desired<Spec>,
    observed: Observed<Detail>,
    lookup: Lookup,
  ): Promise<Observed<Detail>>;
  /** Needs only what was observed. `deleting` while AWS still works on it. Gone already is success. */
  remove(aws: Aws, observed: Observed<Detail>): Promise<'gone' | 'deleting'>;
  /** Kinds that let somebody in. */
  readonly entrance?: EntranceDefinition<Detail>;
}

/** How what lets somebody in is closed at the end of a Bastion's life: at once, and without a list of all there is of its kind. */
export interface EntranceDefinition<Detail> {
  /**
   * Pure: what of this kind a Bastion holds, by its record alone. Whoever can write to the store can write this, so `isOurs`
   * has to say of each that it is true, unless AWS has shown it to this process before.
   */
  recall(bastion: Bastion, scope: Scope): readonly Observed<Detail>[];
  isOurs(aws: Aws, recalled: Observed<Detail>): Promise<boolean>;
  /**
   * Throws unless it is closed for certain.
   * @returns what was open until now
   */
  close(aws: Aws, known: Observed<Detail>): Promise<readonly Observed<Detail>[]>;
}

/** What a diagnosis may look at. */
export interface Surroundings {
  readonly claim: Claim;
  readonly facts: Facts;
  readonly lookup: Lookup;
  readonly now: number;
}

/** A kind as the reconciler sees it: what its specs and details look like is nobody else's business. */
export type Kind = KindDefinition<unknown, unknown>;

/** Hides the types of a kind's own data. Sound because a kind only ever gets back what it handed out itself. */
export function defineKind<Spec, Detail>(definition: KindDefinition<Spec, Detail>): Kind {
  return definition as unknown as Kind;
}
