import type { Bastion } from '../api/bastion.ts';
import { condition } from '../api/bastion.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { type Acceptance, type Acceptances, isFutile, textOf } from './acceptance.ts';
import type { DesiredSet } from './desired.ts';
import type { Held } from './held.ts';
import { type Life, renewalOf, timeOf } from './lifetime.ts';
import type { Desired, KindName, Problem } from './resource.ts';
import type { Snapshot } from './snapshot.ts';

/*
 * What AWS has accepted and no list ever shows: it is removed by the ids of the answers, and its Bastion is closed until somebody
 * changes or renews it.
 */

export const NEVER_LISTED = 'NeverListed';

/** What lets somebody in or is paid for by the hour: that alone is removed by an id that only an answer named. */
const REMOVED_BY_ID: readonly KindName[] = ['task', 'activation', 'target-ingress', 'vpc-endpoint'];

/** The snapshot, with what AWS accepted and no list shows, so that it goes as everything does that nobody wants. */
export function withUnlisted(
  snapshot: Snapshot,
  acceptances: Acceptances,
  { byKey }: DesiredSet,
  now: number,
): Snapshot {
  const unlisted = [...acceptances.values()].filter(
    (one) =>
      !one.isSeen &&
      REMOVED_BY_ID.includes(one.kind) &&
      (!byKey.has(one.key) || (one.shared && isFutile(one, now))) &&
      snapshot.parts.has(one.kind),
  );
  if (unlisted.length === 0) return snapshot;
  const parts = new Map(snapshot.parts);
  for (const { kind, made } of unlisted) {
    const part = parts.get(kind);
    const known = new Set(part?.resources.map(({ id }) => id));
    if (part)
      parts.set(kind, {
        ...part,
        resources: [...part.resources, ...made.filter(({ id }) => !known.has(id))],
      });
  }
  return { ...snapshot, parts };
}

/** Bastions that something of was accepted and never listed, with what is to be told of them. */
export function neverListed(acceptances: Acceptances, now: number): ReadonlyMap<ObjectName, Held> {
  const futile = [...acceptances.values()].filter((one) => !one.shared && isFutile(one, now));
  return new Map(
    futile.flatMap((one) =>
      one.owners.map((owner): [ObjectName, Held] => [owner, { reason: NEVER_LISTED, message: textOf(one) }]),
    ),
  );
}

/** Those that are closed for it: it stands in their status, and nobody has changed or renewed them since. */
export function closedBastions(bastions: readonly Bastion[], now: number): ReadonlyMap<ObjectName, Held> {
  return new Map(
    bastions.flatMap((bastion): [ObjectName, Held][] => {
      const told = condition(bastion, 'Withheld');
      if (told?.reason !== NEVER_LISTED || told.observedGeneration !== bastion.metadata.generation) return [];
      const isRenewed = (renewalOf(bastion, now) ?? 0) > (timeOf(told.lastTransitionTime) ?? 0);
      return isRenewed ? [] : [[objectName(bastion), { reason: NEVER_LISTED, message: told.message }]];
    }),
  );
}

const ENTRANCES: readonly KindName[] = [
  'activation',
  'task',
  'managed-instance',
  'target-ingress',
  'session',
];

/** Takes from the wishes what would let somebody into a closed Bastion, and says of it why. */
export function withoutEntrances(desired: DesiredSet, closed: ReadonlyMap<ObjectName, Held>): DesiredSet {
  if (closed.size === 0) return desired;
  const isEntrance = ({ kind, owners }: Desired) =>
    ENTRANCES.includes(kind) && owners.every((one) => closed.has(one));
  const problems = new Map(desired.problems);
  for (const [owner, { reason, message }] of closed) {
    const problem: Problem = { condition: 'TaskRunning', reason, message };
    problems.set(owner, [problem, ...(problems.get(owner) ?? [])]);
  }
  return { byKey: new Map([...desired.byKey].filter(([, wish]) => !isEntrance(wish))), problems };
}

/** Counted is within one opening: a Bastion that is over, or that is changed or renewed after it was closed, is tried anew. */
export function forgetEnded(
  acceptances: Acceptances,
  bastions: readonly Bastion[],
  { lives, closed }: { lives: ReadonlyMap<ObjectName, Life>; closed: ReadonlyMap<ObjectName, Held> },
): Acceptances {
  if (acceptances.size === 0) return acceptances;
  const reopened = bastions.filter(
    (bastion) => condition(bastion, 'Withheld')?.reason === NEVER_LISTED && !closed.has(objectName(bastion)),
  );
  const names = new Set(reopened.map(objectName));
  const isOver = (owner: ObjectName) => names.has(owner) || lives.get(owner)?.state !== 'active';
  return new Map(
    [...acceptances].map(([name, one]): [string, Acceptance] =>
      !one.shared && one.owners.every(isOver) ? [name, { ...one, times: 0, isTold: false }] : [name, one],
    ),
  );
}
