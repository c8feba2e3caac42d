import { confirmationOf, type Guard } from '../api/guard.ts';
import { clearGuard, confirmGuard, type GuardDesk, type GuardNews, tripGuard } from '../api/guard-record.ts';
import type { Shrink } from '../core/guard.ts';

interface Place {
  readonly accountId: string;
  readonly region: string;
}

export function shrinkGuardName({ accountId, region }: Place): string {
  return `unclaimed.${accountId}.${region}`;
}

/** Shows what the shrink limit holds back in a scope, or that it is confirmed and going, or gone. */
export async function tellShrink(
  desk: GuardDesk,
  place: Place,
  { shrink, guards }: { readonly shrink: Shrink; readonly guards: readonly Guard[] },
): Promise<GuardNews[]> {
  const name = shrinkGuardName(place);
  const guard = guards.find(({ metadata }) => metadata.name === name);
  const confirmation = confirmationOf(guard);
  switch (shrink.state) {
    case 'unknown':
      return [];
    case 'going':
      return guard && confirmation ? confirmGuard(desk, guard, confirmation, { isDone: false }) : [];
    case 'tripped':
      return tripGuard(desk, name, guard, shrink.trip);
    case 'clear':
      return guard && confirmation
        ? confirmGuard(desk, guard, confirmation, { isDone: true })
        : clearGuard(desk, guard, 'No more is unclaimed than the shrink limit allows.');
  }
}
