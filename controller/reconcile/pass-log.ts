import type { Place } from '../api/estate.ts';
import { logGuards } from './guard-log.ts';
import type { Log } from './manager.ts';
import type { Pass } from './reconcile.ts';

/** Of a line of the log. */
export function fieldsOf({ accountId, region }: Place): Readonly<Record<string, string>> {
  return { account: accountId, region };
}

/** Tells the log what a pass found and did. */
export function reportPass(
  log: Log,
  place: Place,
  { outcomes, observed, fenced, news, untellable }: Pass,
): void {
  const scope = fieldsOf(place);
  logGuards(log, news);
  if (fenced) log('info', 'gave up a pass: the lease has ended', scope);
  // What could not be read because it might not be read any more is no news.
  for (const message of fenced ? [] : observed.failures.values())
    log('warn', 'cannot read AWS', { ...scope, error: message });
  for (const [bastion, error] of untellable)
    log('error', 'the status of a Bastion cannot be stored: it is closed', { ...scope, bastion, error });
  for (const { step, result, message } of outcomes) {
    const fields = {
      ...scope,
      action: step.action,
      key: step.key,
      owners: step.owners.slice(0, 3),
      why: step.why,
    };
    const changed = step.action === 'create' || step.action === 'update' || step.action === 'delete';
    if (result === 'done' && changed) log('info', 'changed', { ...fields, id: step.observed?.id });
    if (result === 'failed') log('warn', 'failed', { ...fields, error: message });
  }
}
