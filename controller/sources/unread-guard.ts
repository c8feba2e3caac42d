import type { ApiClient } from '../api/client.ts';
import { isTripped, type TripReason, trippedCondition } from '../api/guard.ts';
import { findGuard, type GuardNews, tripGuard } from '../api/guard-record.ts';
import type { Clock } from '../machinery/clock.ts';
import { type GitSpec, sourceId } from './git-spec.ts';
import { sourceGuardName, UNREAD } from './source-guard.ts';
import type { GitSource, SourceState } from './source-record.ts';

/** What lasts longer than some polls does not go by itself. */
const PATIENCE_MS = 5 * 60_000;

const REASONS: Readonly<Partial<Record<SourceState, readonly [TripReason, string]>>> = {
  unreachable: ['SourceUnreachable', 'cannot be fetched or read'],
  gone: ['SourceGone', 'has no such ref any more'],
  refused: ['SourceRefused', 'holds more than is read of it'],
};

/**
 * Shows that a source was not read for long: what it says is held back, a deletion too. Nobody can confirm that; it clears itself with
 * the first look that succeeds. What waits for a person's confirmation is left as it is.
 */
export async function tripUnread(
  { api, clock, spec }: { readonly api: ApiClient; readonly clock: Clock; readonly spec: GitSpec },
  record: GitSource | undefined,
  state: SourceState,
): Promise<readonly GuardNews[]> {
  const [reason, what] = REASONS[state] ?? [];
  const since = record?.status.state === state ? record.status.since : undefined;
  if (reason === undefined || since === undefined || clock.now() - Date.parse(since) < PATIENCE_MS) return [];
  const name = sourceGuardName(spec);
  const guard = await findGuard(api, name);
  const isOthers = isTripped(guard) && !UNREAD.has(trippedCondition(guard)?.reason);
  if (isOthers || guard?.status?.token !== undefined) return [];
  const message =
    `${spec.display} ${what}, since ${since}: what is committed there is not seen, a deletion neither. Its Bastions stay as they are, ` +
    `and end by their TTL. To close one now: bastionctl suspend NAME. More: bastionctl describe source ${sourceId(spec)}`;
  return tripGuard({ api, now: clock.now() }, name, guard, { reason, message, withheld: [] });
}
