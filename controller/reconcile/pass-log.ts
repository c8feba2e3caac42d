import type { Place } from '../api/estate.ts';
import type { Log } from '../core/log.ts';
import type { Outcome } from '../core/outcome.ts';
import { type Fields, lasting } from '../core/repetition.ts';
import type { KindName } from '../core/resource.ts';
import type { ObjectName } from '../machinery/object.ts';
import { logGuards } from './guard-log.ts';
import type { Pass } from './reconcile.ts';

/** Of a line of the log. */
export function fieldsOf({ accountId, region }: Place): Readonly<Record<string, string>> {
  return { account: accountId, region };
}

/** Whether a line of the log is of that place. */
export function isOf(fields: Fields, { account, region }: Fields): boolean {
  return fields['account'] === account && fields['region'] === region;
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
  else reportFailures(log, scope, observed.failures);
  for (const [bastion, error] of untellable)
    log('error', 'the status of a Bastion cannot be stored: it is closed', { ...scope, bastion, error });
  for (const outcome of outcomes) reportOutcome(log, scope, outcome);
  // What was not told or tried any more is not over.
  if (fenced) return;
  log.over?.('the status of a Bastion cannot be stored: it is closed', (fields) =>
    isOf(fields, scope) ? !untellable.has(String(fields['bastion']) as ObjectName) : undefined,
  );
  reportSuccesses(log, scope, outcomes, observed.failures);
}

/** One line for each cause: what fails together is often one call, or one wrong right. */
function reportFailures(log: Log, scope: Fields, failures: ReadonlyMap<string, string>): void {
  const causes = new Map<unknown, { readonly what: string[]; readonly error: string }>();
  for (const [what, message] of failures) {
    const error = message.replace(/^cannot (list|read)[^:]*: /, '');
    const known = causes.get(lasting(error));
    if (known) known.what.push(what);
    else causes.set(lasting(error), { what: [what], error });
  }
  for (const { what, error } of causes.values()) log('warn', 'cannot read AWS', { ...scope, what, error });
  log.over?.('cannot read AWS', (fields) => {
    if (!isOf(fields, scope)) return undefined;
    const { what } = fields;
    return !(Array.isArray(what) && what.some((one: string) => failures.has(one)));
  });
}

function reportOutcome(log: Log, scope: Fields, { step, result, message }: Outcome): void {
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

/** What was not tried, or has to wait, is not over; and of what cannot be listed nobody knows what is left to do. */
function reportSuccesses(
  log: Log,
  scope: Fields,
  outcomes: readonly Outcome[],
  unknown: Pass['observed']['failures'],
): void {
  const open = new Set<string>(
    outcomes.filter(({ result }) => result !== 'done' && result !== 'idle').map(({ step }) => step.key),
  );
  log.over?.('failed', (fields) => {
    if (!isOf(fields, scope)) return undefined;
    const key = String(fields['key']);
    if (open.has(key)) return false;
    return unknown.has(kindOf(key)) ? undefined : true;
  });
}

/** Each key begins with it. */
function kindOf(key: string): KindName {
  return key.split('/')[0] as KindName;
}
