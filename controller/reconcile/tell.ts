import type { BastionStatus, ConditionType } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Place } from '../api/estate.ts';
import type { GuardNews } from '../api/guard-record.ts';
import { eventsOf } from '../core/events.ts';
import { heldBastions } from '../core/held.ts';
import { sessionsSeen } from '../core/idle.ts';
import { closedBastions, neverListed } from '../core/never-listed.ts';
import { heldOrphans } from '../core/origin.ts';
import type { Outcome } from '../core/outcome.ts';
import { leftOut, type Refusals } from '../core/refusals.ts';
import type { KindName } from '../core/resource.ts';
import { knows } from '../core/snapshot.ts';
import { statuses } from '../core/status.ts';
import type { Kind } from '../kinds/kind.ts';
import type { ObjectName } from '../machinery/object.ts';
import { diagnoser } from './diagnose.ts';
import type { Preview } from './look.ts';
import { publish } from './publish.ts';
import { record } from './record.ts';
import type { ScopeSeen } from './scope-memory.ts';
import { tellShrink } from './shrink.ts';

export interface Done {
  readonly outcomes: readonly Outcome[];
  readonly refusals: Refusals;
  readonly kinds: readonly Kind[];
  readonly now: number;
}

/** What the plan and its outcomes mean for each Bastion of the scope. */
export function statusesAfter(
  preview: Preview,
  { outcomes, refusals, kinds, now }: Done,
): ReadonlyMap<ObjectName, BastionStatus> {
  const { wishes, observed, complete, guards, origins, bastions, acceptances, partsOf } = preview;
  return statuses(bastions, {
    lives: wishes.lives,
    problems: wishes.desired.problems,
    outcomes,
    facts: observed.facts,
    conditionOf: conditionOf(kinds),
    diagnose: diagnoser(wishes.claims, kinds, observed, now),
    complete,
    unseen: observed.refusals?.get('stop-schedule'),
    isKnown: (kind) => knows(observed, kind),
    held: new Map([
      ...neverListed(acceptances, now),
      ...closedBastions(bastions, now),
      ...heldBastions(guards, bastions),
      ...heldOrphans(bastions, origins),
    ]),
    leftOut: leftOut(refusals, partsOf),
    origins,
    sessions: sessionsSeen(observed),
    now,
  });
}

export interface Told {
  /** What has become of the guards of this scope. */
  readonly news: readonly GuardNews[];
  /** Why the store does not take somebody's status, not even the least of it. */
  readonly untellable: ReadonlyMap<ObjectName, string>;
}

export const NOTHING_TOLD: Told = { news: [], untellable: new Map() };

export interface TellOptions {
  readonly api: ApiClient;
  readonly place: Place;
  /** Remembers what is left of the scope, before anybody is let go. */
  readonly settleScope?: ((seen: ScopeSeen) => Promise<void>) | undefined;
}

/** Writes what a pass has come to: statuses, events, and the guard of the scope. */
export async function tell(
  preview: Preview,
  told: ReadonlyMap<ObjectName, BastionStatus>,
  { outcomes, now }: Done,
  { api, place, settleScope }: TellOptions,
): Promise<Told> {
  await settleScope?.(preview.seen);
  const { written, refused, shortened } = await publish(api, preview.stored, told);
  const untold = new Map([...shortened, ...refused]);
  await record(api, preview.bastions, eventsOf(preview.bastions, written, outcomes, untold), now);
  return { news: await tellShrink({ api, now }, place, preview), untellable: refused };
}

function conditionOf(kinds: readonly Kind[]): (name: KindName) => ConditionType {
  const conditions = new Map(kinds.map((kind) => [kind.name, kind.condition]));
  return (name) => conditions.get(name) ?? 'Ready';
}
