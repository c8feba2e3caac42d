import { type Place, placeKey, placeOfKey } from '../api/estate.ts';
import { confirmationOf, type Guard, isTripped } from '../api/guard.ts';
import { clearGuard, confirmGuard, type GuardDesk, type GuardNews, tripGuard } from '../api/guard-record.ts';
import type { GuardTerms, Shrink } from '../core/guard.ts';

/** What a pass has to say about it. */
interface Told {
  readonly shrink: Shrink;
  /** The guards there were when it began. */
  readonly guards: readonly Guard[];
}

const PREFIX = 'unclaimed.';

export function shrinkGuardName(place: Place): string {
  return `${PREFIX}${placeKey(place)}`;
}

/** Undefined for the name of any other guard. */
export function placeOfShrinkGuard(name: string): Place | undefined {
  return name.startsWith(PREFIX) ? placeOfKey(name.slice(PREFIX.length)) : undefined;
}

/** Whether something is held back in a scope, or confirmed and not known to be done. */
export function isShrinkOpen({ shrink, guards }: Told, place: Place): boolean {
  if (shrink.state === 'clear') return false;
  return shrink.state !== 'unknown' || guardIn(guards, place)?.status?.token !== undefined;
}

function guardIn(guards: readonly Guard[], place: Place): Guard | undefined {
  const name = shrinkGuardName(place);
  return guards.find(({ metadata }) => metadata.name === name);
}

/** What a person was shown of a scope, and has said to it. */
export function shownIn(
  guards: readonly Guard[],
  place: Place,
): Pick<GuardTerms, 'confirmed' | 'shown' | 'hasMore'> {
  const guard = guardIn(guards, place);
  const { withheld = [], more = 0 } = guard?.status ?? {};
  const confirmed = confirmationOf(guard)?.withheld;
  const shown = isTripped(guard) && !confirmed ? new Set(withheld) : undefined;
  return { confirmed, shown, hasMore: more > 0 };
}

/** Shows what the shrink limit holds back in a scope, or that it is confirmed and going, or gone. */
export async function tellShrink(
  desk: GuardDesk,
  place: Place,
  { shrink, guards }: Told,
): Promise<GuardNews[]> {
  const name = shrinkGuardName(place);
  const guard = guardIn(guards, place);
  const confirmation = confirmationOf(guard);
  switch (shrink.state) {
    case 'unknown':
      return [];
    case 'going':
      return guard && confirmation ? confirmGuard(desk, guard, confirmation, 'going') : [];
    case 'tripped':
      return tripGuard(desk, name, guard, shrink.trip);
    case 'clear':
      return guard && confirmation
        ? confirmGuard(desk, guard, confirmation, 'needless')
        : clearGuard(desk, guard, 'No more is unclaimed than the shrink limit allows.');
  }
}
