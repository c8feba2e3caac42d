import { same } from './desired.ts';
import type { Outcome } from './outcome.ts';
import type { Step } from './plan.ts';
import type { Key } from './resource.ts';

/** What is remembered of a step that did not succeed. All times are epoch milliseconds. */
export interface Setback {
  /** When it first did not. */
  readonly since: number;
  readonly failures: number;
  /** Not before then is it tried again, unless it is asked for otherwise. */
  readonly retryAt: number;
  readonly message: string;
  readonly key: Key;
  /** What it was asked with. */
  readonly wish: unknown;
  /** Of what is to be deleted; of no use once that is no longer seen. */
  readonly id?: string | undefined;
}

/** By the step's action and key. */
export type Setbacks = ReadonlyMap<string, Setback>;

export const NO_SETBACKS: Setbacks = new Map();

/*
 * `busy` and `gone` pass by themselves as a rule: a role propagates, a DNS name lingers, an interface is detached. Some never
 * do: a private hosted zone keeps the name, a trust policy is wrong. A deletion may take longer: others give up after a
 * quarter of an hour (aws-facts 11).
 */
const PATIENCE_MS = { create: 5 * 60_000, update: 5 * 60_000, delete: 15 * 60_000 } as const;
const FIRST_RETRY_MS = 2_000;
/** What should be gone costs money or lets people in: it is tried more often. */
const LONGEST_RETRY_MS = { create: 5 * 60_000, update: 5 * 60_000, delete: 30_000 } as const;

/** A failed step waits longer each time, however often passes come by for other reasons. Undefined: try it now. */
export function heldBack(step: Step, setbacks: Setbacks, now: number): Outcome | undefined {
  const setback = setbacks.get(nameOf(step));
  if (!setback || setback.retryAt <= now || !same(setback.wish, wishOf(step))) return undefined;
  return {
    step,
    result: 'failed',
    message: setback.message,
    retryAfterMs: setback.retryAt - now,
    untried: true,
  };
}

/** Says of each failure when it is tried again, and calls what AWS puts off for too long a failure. */
export function losePatience(
  outcomes: readonly Outcome[],
  before: Setbacks,
  now: number,
): { outcomes: readonly Outcome[]; setbacks: Setbacks } {
  const setbacks = new Map(stillOfUse(outcomes, before));
  const judged = outcomes.map((outcome): Outcome => {
    const name = nameOf(outcome.step);
    const known = before.get(name);
    const setback = setbackAfter(outcome, known, now);
    setbacks.delete(name);
    if (!setback) return outcome;
    setbacks.set(name, setback);
    const isNew = setback.failures > (known?.failures ?? 0);
    return isNew
      ? {
          step: outcome.step,
          result: 'failed',
          message: setback.message,
          retryAfterMs: setback.retryAt - now,
          ...(outcome.refused ? { refused: true } : {}),
        }
      : outcome;
  });
  return { outcomes: judged, setbacks };
}

/**
 * What failed after it was half made is removed first, and only then tried again: passes in between, which do not name the
 * step, must not start the count anew.
 */
function stillOfUse(outcomes: readonly Outcome[], before: Setbacks): [string, Setback][] {
  const inWork = new Set(outcomes.filter(({ result }) => result !== 'idle').map(({ step }) => step.key));
  const seen = new Set(outcomes.map(({ step }) => step.observed?.id));
  return [...before].filter(([, { key, id }]) => inWork.has(key) && (id === undefined || seen.has(id)));
}

/** Undefined when there is nothing to remember. */
function setbackAfter(outcome: Outcome, known: Setback | undefined, now: number): Setback | undefined {
  const { step, result, untried, retryAfterMs, message = 'no reason given' } = outcome;
  if (!isPatientWith(step.action)) return undefined;
  // Our own pacing, like a step that was not tried, is no news.
  if (untried || (result === 'deferred' && retryAfterMs !== undefined)) return known;
  if (result !== 'failed' && result !== 'deferred') return undefined;
  const since = known?.since ?? now;
  const failed = result === 'failed' || now - since >= PATIENCE_MS[step.action];
  const failures = (known?.failures ?? 0) + (failed ? 1 : 0);
  const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS[step.action]);
  const retryAt = failed ? now + pauseMs : now;
  return { since, failures, retryAt, message, key: step.key, wish: wishOf(step), id: idOf(step) };
}

function wishOf({ desired }: Step): unknown {
  return desired && { spec: desired.spec, tags: desired.tags };
}

/** Undefined but for deletions: one key may have had several. */
function idOf({ action, observed }: Step): string | undefined {
  return action === 'delete' ? observed?.id : undefined;
}

function nameOf(step: Step): string {
  return [step.action, step.key, idOf(step) ?? ''].join(' ');
}

function isPatientWith(action: string): action is keyof typeof PATIENCE_MS {
  return action in PATIENCE_MS;
}
