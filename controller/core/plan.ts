import type { ObjectName } from '../machinery/object.ts';
import type { DesiredSet } from './desired.ts';
import { isEarlier } from './end.ts';
import type { DeleteReason, Endings } from './endings.ts';
import { NO_FACTS } from './facts.ts';
import { keyFor } from './key.ts';
import {
  type Desired,
  type Difference,
  type Key,
  type KindName,
  kindOf,
  type Lookup,
  type Observed,
} from './resource.ts';
import { indexByKey, knows, lookupIn, preferred, type Snapshot } from './snapshot.ts';

export type Action = 'create' | 'update' | 'delete' | 'keep' | 'adopt' | 'wait' | 'blocked' | 'withheld';

/** What is to be done about one resource, and why. */
export interface Step {
  readonly action: Action;
  readonly kind: KindName;
  readonly key: Key;
  /** For people: one clause, no full stop. */
  readonly why: string;
  readonly owners: readonly ObjectName[];
  readonly desired?: Desired;
  readonly observed?: Observed;
  /** Deletes only. */
  readonly reason?: DeleteReason;
  /** Updates only: the resource does its job as it is. */
  readonly harmless?: boolean;
  /** Updates only: until then it may let in, or last for, more than is wanted. */
  readonly restricts?: boolean;
  /** Blocked ones only: AWS does not let us have it here, and all else goes on without. */
  readonly refused?: boolean;
  /** Refused ones only: nobody refuses it, and it gives no answer. */
  readonly silent?: boolean;
  /** Waits only: the earliest instant at which looking again can help, when that is known. */
  readonly notBefore?: number;
}

export interface Plan {
  readonly steps: readonly Step[];
}

/** The part of a kind that compares. */
export interface Differ {
  readonly name: KindName;
  /** Several live resources may share a key (sessions): none of them is a duplicate. */
  readonly many?: boolean;
  /** Its name is taken when somebody else's is listed under the same key. */
  readonly oneByName?: boolean;
  /** Other kinds that `diff` looks up. */
  readonly compares?: readonly KindName[];
  /** It ends what nobody else ends. */
  readonly safeguard?: boolean;
  readonly diff: (desired: Desired, observed: Observed, lookup: Lookup) => Difference;
}

/*
 * desired     observed                     step
 * ---------   --------------------------   ---------------------------------------------------------------
 * any         kind could not be listed     blocked: unknown is not absent
 * yes         AWS refuses the kind here    blocked, and all else goes on (safeguards only)
 * unknowable  facts were never read        nothing is desired then; only what belongs to an ended Bastion goes
 * no          ours, its owner's wishes     blocked: it may be among what is not known; an end is known
 *             of its kind not all known
 * no          ours, live                   delete (expired | deleted | suspended | superseded | unclaimed)
 * no          ours, deleting               wait: leaving
 * no          gone, or not ours            -
 * adopts      somebody else's              adopt; wait while it is pending
 * external    none                         wait: it makes itself
 * yes         somebody else's by its name  blocked: it is theirs
 * yes         none                         create; blocked by its owners' problems; wait for the back-off
 * yes         none, an end not on record   wait: the end is recorded first
 * yes         ours, deleting               wait: leaving, then create
 * yes         ours, failed                 delete (replaced)
 * yes         ours, differs in place       update
 * yes         ours, differs for good       delete (replaced); created by a later pass
 * yes         ours, same, pending          wait
 * yes         ours, same, ready            keep
 * yes         ours, more than one          the best by this table; delete (superseded) the others
 */
export function makePlan(
  desired: DesiredSet,
  snapshot: Snapshot,
  kinds: readonly Differ[],
  endings: Endings,
  now: number,
): Plan {
  const index = indexByKey(snapshot);
  const lookup = lookupIn(index);
  const differs = new Map(kinds.map((kind) => [kind.name, kind]));
  const hasFacts = snapshot.facts !== NO_FACTS;
  const steps: Step[] = [];
  for (const wanted of desired.byKey.values()) {
    const differ = differs.get(wanted.kind);
    if (!differ) continue;
    const refusal = snapshot.refusals?.get(wanted.kind);
    const silent = snapshot.silentSince?.has(wanted.kind) === true;
    if (refusal !== undefined) steps.push({ ...step('blocked', wanted, refusal), refused: true, silent });
    else if (!knows(snapshot, wanted.kind)) steps.push(unknown(wanted, snapshot));
    else
      steps.push(
        ...stepsForDesired(wanted, index.get(wanted.key) ?? [], {
          differ,
          lookup,
          desired,
          now,
          unknown: unknownTo(differ, snapshot),
        }),
      );
  }
  for (const [key, resources] of index) {
    if (desired.byKey.has(key) || !knows(snapshot, kindOf(key)) || servesUnseen(key, snapshot)) continue;
    for (const resource of resources) {
      steps.push(...stepsForUnwanted(resource, endings, { hasFacts, problems: desired.problems }));
    }
  }
  return { steps };
}

/** A schedule that nobody can look at may still need them to stop a task. They cost nothing, and go once it can be seen. */
function servesUnseen(key: Key, { silentSince }: Snapshot): boolean {
  const needed: readonly Key[] = [keyFor.scheduleGroup(), keyFor.role('scheduler')];
  return silentSince?.has('stop-schedule') === true && needed.includes(key);
}

interface Context {
  readonly differ: Differ;
  readonly lookup: Lookup;
  readonly desired: DesiredSet;
  readonly now: number;
  /** Why what the kind compares with is not known. */
  readonly unknown: string | undefined;
}

function unknownTo({ compares = [] }: Differ, snapshot: Snapshot): string | undefined {
  const missing = compares.find((kind) => !knows(snapshot, kind));
  return missing && (snapshot.failures.get(missing) ?? `${missing} was not listed yet`);
}

function stepsForDesired(wanted: Desired, resources: readonly Observed[], context: Context): Step[] {
  if (wanted.adopts !== undefined) return [adopt(wanted, resources), ...surplus(wanted, resources)];
  const live = resources.filter((resource) => resource.owned && resource.state !== 'gone');
  if (context.differ.many) return live.map((resource) => step('keep', wanted, 'as desired', resource));
  const best = preferred(live.filter((one) => isFit(wanted, one, context))) ?? preferred(live);
  if (!best) return [absent(wanted, resources, context)];
  const others = live.filter((resource) => resource !== best && resource.state !== 'deleting');
  return [
    present(wanted, best, context),
    ...others.map((other) => removal(wanted, other, 'superseded', `duplicate of ${best.id}`)),
  ];
}

/** Of several, one that lives and need not be replaced is the one to keep. */
function isFit(wanted: Desired, one: Observed, { differ, lookup, unknown }: Context): boolean {
  if (unknown || (one.state !== 'ready' && one.state !== 'pending')) return false;
  return differ.diff(wanted, one, lookup).verdict !== 'replace';
}

function absent(wanted: Desired, resources: readonly Observed[], context: Context): Step {
  const ended = resources.find(({ state, end }) => state === 'gone' && !isEarlier(end, wanted.activatedAt));
  if (ended && wanted.recordedEnd !== ended.id && !wanted.external) {
    return step('wait', wanted, `${ended.id} ended and the record of that comes first`, ended);
  }
  if (wanted.external) return step('wait', wanted, 'it registers itself', ended);
  const problem = hinderingProblem(wanted, context) ?? squatter(resources, context.differ);
  if (problem) return step('blocked', wanted, problem, ended);
  if (wanted.notBefore !== undefined && wanted.notBefore > context.now) {
    return { ...step('wait', wanted, 'backing off after a failure', ended), notBefore: wanted.notBefore };
  }
  return step('create', wanted, 'does not exist', ended);
}

/** Creating it under a name that somebody else has would fail, or hand us what is theirs. */
function squatter(resources: readonly Observed[], { oneByName }: Differ): string | undefined {
  const other = oneByName ? resources.find((resource) => !resource.owned) : undefined;
  return (
    other && `${other.id} exists and is not ours: delete it, or give the controller another --installation`
  );
}

function present(wanted: Desired, best: Observed, context: Context): Step {
  if (best.state === 'deleting') return step('wait', wanted, 'the old one is being deleted', best);
  if (best.state === 'failed') return removal(wanted, best, 'replaced', best.message ?? 'it failed');
  const difference = context.differ.diff(wanted, best, context.lookup);
  if (context.unknown && difference.verdict !== 'same') return step('blocked', wanted, context.unknown, best);
  if (difference.verdict === 'replace') return removal(wanted, best, 'replaced', difference.why);
  const problem = difference.verdict === 'update' ? hinderingProblem(wanted, context) : undefined;
  if (problem) return step('blocked', wanted, problem, best);
  if (difference.verdict === 'update') {
    return {
      ...step('update', wanted, difference.why, best),
      harmless: difference.harmless === true && best.state === 'ready',
      ...(difference.restricts && { restricts: true }),
    };
  }
  if (difference.verdict === 'pending') return step('wait', wanted, difference.why, best);
  if (best.state === 'pending') return step('wait', wanted, best.message ?? 'not ready yet', best);
  return step('keep', wanted, 'as desired', best);
}

function adopt(wanted: Desired, resources: readonly Observed[]): Step {
  const foreign = resources.find((resource) => resource.id === wanted.adopts);
  if (foreign?.state === 'ready')
    return step('adopt', wanted, `${foreign.id} exists and is not ours`, foreign);
  const why = foreign ? `${foreign.id} is ${foreign.state}` : `${wanted.adopts} was not seen again`;
  return step('wait', wanted, why, foreign);
}

/** Ours beside an adopted one: somebody made theirs after ours, and one is enough. */
function surplus(wanted: Desired, resources: readonly Observed[]): Step[] {
  return resources
    .filter((resource) => resource.owned && resource.state !== 'deleting' && resource.state !== 'gone')
    .map((resource) => removal(wanted, resource, 'superseded', `${wanted.adopts} does the same`));
}

function stepsForUnwanted(
  resource: Observed,
  endings: Endings,
  { hasFacts, problems }: { readonly hasFacts: boolean; readonly problems: DesiredSet['problems'] },
): Step[] {
  if (!resource.owned || resource.state === 'gone') return [];
  const { reason, owners } = endings(resource);
  // Without facts nobody's desires are known, so what is shared, or was only outgrown, has to stay.
  const ended = resource.owner !== undefined && reason !== 'superseded' && reason !== 'unclaimed';
  if (!hasFacts && !ended) return [];
  const base = { kind: resource.kind, key: resource.key, observed: resource, owners, reason };
  if (resource.state === 'deleting') return [{ ...base, action: 'wait', why: 'being deleted' }];
  const unknown = reason === 'superseded' ? unknownWish(resource.kind, owners, problems) : undefined;
  if (unknown !== undefined) return [{ ...base, action: 'blocked', why: unknown }];
  return [
    {
      ...base,
      action: 'delete',
      why: reason === 'unclaimed' ? 'no Bastion wants it' : `its Bastion is ${reason}`,
    },
  ];
}

function unknownWish(
  kind: KindName,
  owners: readonly ObjectName[],
  problems: DesiredSet['problems'],
): string | undefined {
  const found = owners.flatMap((owner) => problems.get(owner) ?? []);
  return found.find((problem) => problem.unknown === kind)?.message;
}

function unknown(wanted: Desired, snapshot: Snapshot): Step {
  return step('blocked', wanted, snapshot.failures.get(wanted.kind) ?? `${wanted.kind} was not listed yet`);
}

/** What ends one Bastion follows it whatever is wrong with it; what several of them share is not made for that alone. */
function hinderingProblem(wanted: Desired, { differ, desired }: Context): string | undefined {
  return differ.safeguard && !wanted.shared ? undefined : commonProblem(wanted, desired);
}

/** A resource is only held back when every Bastion that wants it has a problem: one poisoned Bastion blocks only itself. */
function commonProblem(wanted: Desired, desired: DesiredSet): string | undefined {
  const found = wanted.owners.map(
    (owner) => desired.problems.get(owner)?.find((problem) => !problem.partial)?.message,
  );
  return found.every((message) => message !== undefined) ? found[0] : undefined;
}

function step(action: Action, wanted: Desired, why: string, observed?: Observed): Step {
  const base = { action, kind: wanted.kind, key: wanted.key, why, owners: wanted.owners, desired: wanted };
  return observed ? { ...base, observed } : base;
}

function removal(wanted: Desired, observed: Observed, reason: DeleteReason, why: string): Step {
  return { ...step('delete', wanted, why, observed), reason };
}

/** True when nothing is left to do and nothing is on its way. */
export function isSettled(plan: Plan): boolean {
  return plan.steps.every(
    (candidate) => candidate.action === 'keep' || candidate.action === 'adopt' || isIdle(candidate),
  );
}

/** Something that makes itself, if it likes, is not waited for; nor is what AWS refuses. */
function isIdle(candidate: Step): boolean {
  if (candidate.refused) return true;
  return candidate.action === 'wait' && candidate.desired?.external === 'optional';
}
