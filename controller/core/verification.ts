import { type Bastion, type Condition, condition } from '../api/bastion.ts';
import { type Verification, verifiableAt } from './conditions.ts';
import type { Outcome } from './outcome.ts';

interface Seen {
  readonly complete: boolean;
  readonly unseen?: string | undefined;
  readonly now: number;
}

const UNCHECKED = 'its stop schedule could not be checked';

/** @param unseen why no schedule could be looked at */
function shownAtTheEnd(unseen: string | undefined): string {
  if (unseen === undefined) return 'a complete look at AWS shows nothing left of it';
  return `a look at AWS shows nothing left that lets anybody in, but ${UNCHECKED}: ${unseen}`;
}

/** For an event: no more than the condition says. */
export function leftText(conditions: readonly Condition[] | undefined): string {
  const told = conditions?.find(({ type }) => type === 'TornDown');
  if (told?.status !== 'True') return 'a complete look at AWS has yet to show that nothing of it is left';
  return told.message?.includes(UNCHECKED)
    ? `nothing that lets anybody in is left in AWS, but ${UNCHECKED}`
    : 'nothing of it is left in AWS';
}

/**
 * Two looks some time apart show that nothing is left: a single one can be too old to show what was made or taken away last. That
 * it was torn down before is good enough to go on waiting for the next opening, but not to be forgotten: an activation
 * since then may have made things and died before it was recorded.
 */
export function verification(
  bastion: Bastion,
  outcomes: readonly Outcome[],
  { complete, unseen, now }: Seen,
): Verification {
  const isClean = !outcomes.some(({ step }) => step.action === 'delete');
  const isSecond = (verifiableAt(bastion.status?.conditions, now) ?? Number.POSITIVE_INFINITY) <= now;
  const before = condition(bastion, 'TornDown');
  const isKept = before?.status === 'True' && bastion.metadata.deletionTimestamp === undefined;
  const verified = (complete && isClean && isSecond) || isKept;
  // What an earlier look has shown stays true; a lesser one does not say more than it did.
  const isLess = !complete || unseen !== undefined;
  return { verified, shows: isKept && isLess ? (before.message ?? '') : shownAtTheEnd(unseen) };
}
