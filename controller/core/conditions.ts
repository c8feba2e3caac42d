import { ANNOTATION, type Bastion, type Condition, type ConditionType } from '../api/bastion.ts';
import { rfc3339 } from '../machinery/clock.ts';
import type { Life } from './lifetime.ts';
import type { Outcome } from './outcome.ts';
import type { KindName, Observed, Problem } from './resource.ts';

export type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

export interface ActiveView {
  readonly bastion: Bastion;
  readonly outcomes: readonly Outcome[];
  readonly problems: readonly Problem[];
  readonly conditionOf: (kind: KindName) => ConditionType;
  readonly describe: (observed: Observed) => string | undefined;
}

const PARTS = ['NetworkReady', 'IdentityReady', 'TaskRunning'] as const;

/** Whether the operator took the spec on as it is written. */
export function acceptedCondition(
  bastion: Bastion,
  life: Life,
  problems: readonly Problem[],
  leftOut?: string,
): Verdict {
  const conflict = problems.find((problem) => problem.condition === 'Accepted');
  if (life.state === 'invalid') return verdict('Accepted', 'False', 'Invalid', life.message);
  if (conflict) return verdict('Accepted', 'False', conflict.reason, conflict.message);
  if (leftOut && life.state === 'active') return verdict('Accepted', 'True', 'PartlyRefused', leftOut);
  const stale = bastion.metadata.annotations?.[ANNOTATION.sourceError];
  if (stale)
    return verdict('Accepted', 'True', 'StaleManifest', `the last good spec stays in force: ${stale}`);
  if (life.state === 'active' && life.clamped) {
    const message = `spec.ttl ${bastion.spec.ttl} is over the controller's --max-ttl, which ends it earlier`;
    return verdict('Accepted', 'True', 'TtlClamped', message);
  }
  return verdict('Accepted', 'True', 'Valid', 'the spec is valid');
}

/** Conditions of a Bastion that should be open. */
export function activeConditions(view: ActiveView): Verdict[] {
  const parts = PARTS.map((type) => partCondition(type, view));
  const open = verdict('TornDown', 'False', 'Active', 'the Bastion is active');
  return [...parts, readyCondition(parts, view), ...endScheduled(view), open];
}

function partCondition(type: (typeof PARTS)[number] | 'EndScheduled', view: ActiveView): Verdict {
  const problems = view.problems.filter((problem) => problem.condition === type);
  if (problems[0])
    return verdict(type, 'False', problems[0].reason, problems.map((problem) => problem.message).join('; '));
  const mine = view.outcomes.filter(
    ({ step }) =>
      step.desired !== undefined && (step.desired.condition ?? view.conditionOf(step.kind)) === type,
  );
  const relevant = mine.filter(
    ({ step }) => !(step.action === 'wait' && step.desired?.external === 'optional'),
  );
  const pending = relevant.filter((outcome) => !isReady(outcome));
  if (mine.length === 0) return verdict(type, 'Unknown', 'NotLookedAt', 'nothing is known yet');
  if (pending.length === 0) {
    // It works as it is, and yet somebody may have to do something about it.
    const troubled = relevant.filter(({ step, result }) => step.harmless && result === 'failed');
    const but = troubled.length > 0 ? `, but ${summarise(troubled, view.describe)}` : '';
    return verdict(type, 'True', 'AsDesired', `${relevant.length} resources as desired${but}`);
  }
  return verdict(type, 'False', reasonFor(pending), summarise(pending, view.describe));
}

/** It keeps nothing from being Ready: without it, the end only hangs on fewer threads. */
function endScheduled(view: ActiveView): Verdict[] {
  const { status, reason, message } = partCondition('EndScheduled', view);
  if (status === 'Unknown') return [];
  if (status === 'True') {
    const told = 'AWS stops the task soon after the end, also with no controller alive';
    return [verdict('EndScheduled', 'True', 'Scheduled', told)];
  }
  const refused = view.outcomes.find(({ step }) => step.refused)?.step;
  if (!refused) return [verdict('EndScheduled', 'False', reason, message)];
  if (refused.silent) {
    const last = "the container's own timer, at --max-ttl, is all that is sure to end the task";
    const told = `AWS's scheduler cannot be reached: with no controller alive, ${last}: ${refused.why}`;
    return [verdict('EndScheduled', 'False', 'SchedulerUnreachable', told)];
  }
  const left = "with no controller alive, only the container's own timer ends the task, at --max-ttl";
  return [verdict('EndScheduled', 'False', 'SchedulerRefused', `${left}: ${refused.why}`)];
}

function isReady({ step, result }: Outcome): boolean {
  if (step.action === 'keep' || step.action === 'adopt' || step.harmless) return true;
  // A resource in place that merely had to be touched, or whose duplicate goes, does its job.
  const touched = step.action === 'create' || step.action === 'update';
  if (touched && result === 'done') return step.observed?.state === 'ready';
  return step.action === 'delete' && step.reason === 'superseded';
}

function reasonFor(pending: readonly Outcome[]): string {
  if (pending.some(({ result }) => result === 'failed')) return 'Failed';
  if (pending.some(({ step }) => step.action === 'blocked')) return 'Blocked';
  return 'Progressing';
}

const SHOWN = 3;

function summarise(pending: readonly Outcome[], describe: ActiveView['describe']): string {
  // What failed says more than what waits for it.
  const first = [...pending].sort((a, b) => Number(b.result === 'failed') - Number(a.result === 'failed'));
  const shown = first.slice(0, SHOWN).map(({ step, message }) => {
    const what = message ?? (step.observed && describe(step.observed)) ?? step.why;
    return `${step.key}: ${what}`;
  });
  const rest = pending.length - shown.length;
  return shown.join('; ') + (rest > 0 ? ` (and ${rest} more)` : '');
}

function readyCondition(parts: readonly Verdict[], { outcomes }: ActiveView): Verdict {
  const missing = parts.find((part) => part.status !== 'True');
  const target = outcomes.map(({ step }) => step.observed?.sessionTarget).find((one) => one !== undefined);
  if (missing)
    return verdict(
      'Ready',
      'False',
      missing.reason,
      `${missing.type} is ${missing.status}: ${missing.message}`,
    );
  if (!target) return verdict('Ready', 'False', 'Progressing', 'waits for the agent to connect');
  return verdict('Ready', 'True', 'Connected', `session target ${target}`);
}

/** Nothing of it was seen any more, and that is to be seen once more. */
const VERIFYING = 'Verifying';
/** AWS may go on for some seconds showing neither what was made last nor what was taken away (aws-facts 1, 8). */
const SETTLES_MS = 10_000;
/** Further ahead than one process's own clock can put a look. */
const AHEAD_MS = 60_000;

/** From when on a look that shows nothing left of a Bastion is believed; undefined when no earlier one has shown that. */
export function verifiableAt(conditions: readonly Condition[] | undefined, now: number): number | undefined {
  const tornDown = conditions?.find(({ type, reason }) => type === 'TornDown' && reason === VERIFYING);
  if (!tornDown) return undefined;
  const at = Date.parse(tornDown.lastTransitionTime) + SETTLES_MS;
  // Recorded by a process whose clock ran ahead: that was before this one began, and long enough ago.
  return at > now + AHEAD_MS ? now : at;
}

export interface Verification {
  readonly verified: boolean;
  /** What was seen of it in the end. */
  readonly shows: string;
}

/**
 * Conditions of a Bastion that should be gone, was never open, or waits for its next opening.
 * @param suspension by whom and since when
 */
export function endedConditions(
  life: Life,
  outcomes: readonly Outcome[],
  { verified, shows }: Verification,
  suspension = '',
): Verdict[] {
  const why = reasonOfEnd(life);
  const text = `${endText(life)}${life.state === 'suspended' ? suspension : ''}`;
  const closed = [...PARTS, 'Ready' as const].map((type) => verdict(type, 'False', why, text));
  const left = outcomes.filter(
    ({ step, result }) => !(step.action === 'delete' && result === 'done' && step.observed?.state === 'gone'),
  );
  return [...closed, tornDown(left, verified ? shows : undefined, why)];
}

function tornDown(left: readonly Outcome[], shown: string | undefined, why: string): Verdict {
  if (left.length > 0) {
    const first = left.slice(0, SHOWN).map(({ step, message }) => `${step.key}: ${message ?? step.why}`);
    const rest = left.length - first.length;
    return verdict(
      'TornDown',
      'False',
      'TearingDown',
      first.join('; ') + (rest > 0 ? ` (and ${rest} more)` : ''),
    );
  }
  return shown !== undefined
    ? verdict('TornDown', 'True', why, shown)
    : verdict('TornDown', 'Unknown', VERIFYING, 'verifying teardown: waiting for a second full scan of AWS');
}

function endText(life: Life): string {
  if (life.state !== 'expired' || life.idleSince === undefined) return `the Bastion is ${life.state}`;
  return `the Bastion ended early: no session since ${rfc3339(life.idleSince)}`;
}

function reasonOfEnd(life: Life): string {
  if (life.state === 'expired' && life.idleSince !== undefined) return 'Idle';
  return `${life.state.charAt(0).toUpperCase()}${life.state.slice(1)}`;
}

function verdict(type: ConditionType, status: Condition['status'], reason: string, message: string): Verdict {
  return { type, status, reason, message };
}

/** Keeps the time of the last transition where nothing changed. */
export function stamp(bastion: Bastion, verdicts: readonly Verdict[], now: number): Condition[] {
  return verdicts.map((verdict) => {
    const before = bastion.status?.conditions?.find((one) => one.type === verdict.type);
    const lastTransitionTime =
      before?.status === verdict.status ? before.lastTransitionTime : later(now, before);
    return { ...verdict, observedGeneration: bastion.metadata.generation, lastTransitionTime };
  });
}

/** Another replica's clock may have been ahead: what follows is not told as if it had come first. */
function later(now: number, before: Condition | undefined): string {
  const at = rfc3339(now);
  return before && before.lastTransitionTime > at ? before.lastTransitionTime : at;
}
