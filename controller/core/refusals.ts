import type { ObjectName } from '../machinery/object.ts';
import { type DesiredSet, same, type Wish } from './desired.ts';
import { digest } from './name.ts';
import type { Outcome } from './outcome.ts';
import type { Desired, Key, Tags } from './resource.ts';
import { joinTags } from './tags.ts';

/*
 * A shared resource is asked for with what all its owners want together, so that one owner's tag, subnet or route table that AWS
 * refuses would keep it from everybody. When a call is refused, what it was asked with is searched for the part that is to
 * blame: the call is made without those that the refusal names, or with half of them, and so on, a pass each. What is to blame
 * is left out, and only those who asked for it are told.
 *
 * People's tags are a nicety: a resource of one Bastion alone does without them, too. It cannot do without its spec.
 */

/** One thing that somebody wants of a resource. */
export interface Part {
  readonly id: string;
  readonly owners: readonly ObjectName[];
  readonly tags: Tags;
  /** Undefined: it is a tag alone. */
  readonly spec?: unknown;
}

interface Blame {
  readonly message: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** What is known of the parts of one resource, by their ids. */
export interface Refusal {
  /** AWS has accepted these together. */
  readonly good: ReadonlySet<string>;
  readonly bad: ReadonlyMap<string, Blame>;
  /** What is not tried yet, in the order in which it will be. */
  readonly queue: readonly (readonly string[])[];
  /** It is refused whatever is left out: nobody's part is to blame. */
  readonly isHopeless: boolean;
  /** All that was wanted; another wish is another question. */
  readonly all: readonly string[];
}

export type Refusals = ReadonlyMap<Key, Refusal>;
export type PartsOf = (key: Key) => readonly Part[];

export const NO_REFUSALS: Refusals = new Map();

/** After so long the refused is asked for again: a zone may have come to be supported. */
const REMEMBERED_MS = 6 * 3_600_000;
const NEXT_TRY_MS = 1_000;

/** The distinct parts of one key's wishes. Each tag is one, and each spec. */
export function partsOf(wishes: readonly { readonly wish: Wish; readonly owner: ObjectName }[]): Part[] {
  const parts = new Map<string, Part>();
  const add = (owner: ObjectName, content: Pick<Part, 'tags' | 'spec'>) => {
    const id = digest(content, 16);
    const owners = [...new Set([...(parts.get(id)?.owners ?? []), owner])];
    parts.set(id, { id, owners, ...content });
  };
  for (const { wish, owner } of wishes) {
    add(owner, { tags: {}, spec: wish.spec });
    for (const [name, value] of Object.entries(wish.tags)) add(owner, { tags: { [name]: value } });
  }
  return [...parts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The wishes without what AWS has refused of them, and without what is still to be tried. */
export function withoutRefused(
  desired: DesiredSet,
  refusals: Refusals,
  partsOfKey: PartsOf,
  mergerOf: (wish: Desired) => ((a: unknown, b: unknown) => unknown) | undefined,
): DesiredSet {
  if (refusals.size === 0) return desired;
  const byKey = new Map(desired.byKey);
  for (const [key, refusal] of refusals) {
    const wish = byKey.get(key);
    if (wish && !refusal.isHopeless)
      byKey.set(key, restrict(wish, attemptOf(refusal, partsOfKey(key)), mergerOf(wish)));
  }
  return { ...desired, byKey };
}

function restrict(
  wish: Desired,
  parts: readonly Part[],
  merge?: (a: unknown, b: unknown) => unknown,
): Desired {
  const specs = parts.flatMap(({ spec }) => (spec === undefined ? [] : [spec]));
  const joined = specs.reduce<unknown>(
    (all, spec) => (all === undefined || same(all, spec) ? spec : (merge?.(all, spec) ?? all)),
    undefined,
  );
  return { ...wish, spec: joined ?? wish.spec, tags: joinTags(...parts.map(({ tags }) => tags)) };
}

/** What nobody knows anything of yet is tried with the rest. */
function attemptOf({ bad, queue }: Refusal, parts: readonly Part[]): Part[] {
  const later = new Set(queue.flat());
  return parts.filter(({ id }) => !bad.has(id) && !later.has(id));
}

/** What this pass says about whose part is to blame. A call that is tried otherwise next is put off, and no failure. */
export function judgeRefusals(
  outcomes: readonly Outcome[],
  before: Refusals,
  partsOfKey: PartsOf,
  now: number,
): { outcomes: readonly Outcome[]; refusals: Refusals } {
  const refusals = new Map(stillOfUse(before, outcomes, partsOfKey, now));
  const judged = outcomes.map((outcome) => {
    const { step, result, refused, message = '' } = outcome;
    const known = refusals.get(step.key);
    const isTouched = step.action === 'create' || step.action === 'update' || step.action === 'keep';
    if (!step.desired || !isTouched) return outcome;
    if (known && (result === 'done' || step.action === 'keep')) {
      refusals.set(step.key, accepted(known, partsOfKey(step.key), step.action !== 'create'));
      return outcome;
    }
    if (result !== 'failed' || !refused || known?.isHopeless) return outcome;
    const next = refusedOnce(known, partsOfKey(step.key), { message, since: now });
    if (!next) return outcome;
    refusals.set(step.key, next);
    if (next.isHopeless) return outcome;
    const why = `AWS refused it, and it is tried without a part of what was asked for: ${message}`;
    return { step, result: 'deferred' as const, message: why, retryAfterMs: NEXT_TRY_MS };
  });
  return { outcomes: judged, refusals };
}

function stillOfUse(before: Refusals, outcomes: readonly Outcome[], partsOfKey: PartsOf, now: number) {
  const wanted = new Set(outcomes.flatMap(({ step }) => (step.desired ? [step.key] : [])));
  return [...before].flatMap(([key, one]): [Key, Refusal][] => {
    if (!wanted.has(key)) return [];
    const ids = new Set(partsOfKey(key).map(({ id }) => id));
    const isOther = one.isHopeless && !same([...ids].sort(), one.all);
    const bad = new Map([...one.bad].filter(([id, { since }]) => ids.has(id) && now - since < REMEMBERED_MS));
    // All that is wanted now has been accepted.
    const isOver = bad.size === 0 && !one.isHopeless && [...ids].every((id) => one.good.has(id));
    return isOther || isOver ? [] : [[key, { ...one, bad }]];
  });
}

/** What was just made is seen first: to ask otherwise for what no list shows yet would make another one. */
function accepted(known: Refusal, parts: readonly Part[], isSeen: boolean): Refusal {
  const good = new Set(attemptOf(known, parts).map(({ id }) => id));
  return { ...known, good, queue: isSeen ? known.queue.slice(1) : known.queue };
}

/** Undefined when there is nothing that could be left out. */
function refusedOnce(known: Refusal | undefined, parts: readonly Part[], blame: Blame): Refusal | undefined {
  const all = parts.map(({ id }) => id).sort();
  const state = known ?? { good: new Set<string>(), bad: new Map(), queue: [], isHopeless: false, all };
  if (all.length < 2) return undefined;
  const attempt = attemptOf(state, parts);
  const doubtful = attempt.filter(({ id }) => !state.good.has(id));
  // What was accepted before is refused now: begin anew.
  const suspects = doubtful.length > 0 ? doubtful : attempt;
  const good = doubtful.length > 0 ? state.good : new Set<string>();
  const base = attempt.filter(({ id }) => good.has(id));
  if (suspects.length > 1) {
    const [first, rest] = split(suspects, base, blame.message);
    if (first.length > 0 && rest.length > 0) return { ...state, good, queue: [ids(rest), ...state.queue] };
  }
  const bad = new Map([...state.bad, ...suspects.map(({ id }): [string, Blame] => [id, blame])]);
  const left = parts.some(({ id, spec }) => spec !== undefined && !bad.has(id));
  if (!left) return { good: new Set(), bad: new Map(), queue: [], isHopeless: true, all };
  return { ...state, good, bad, queue: state.queue.slice(1) };
}

/** What is tried next, and what is left for later: it must be something that can be asked for at all. */
function split(suspects: readonly Part[], base: readonly Part[], message: string): [Part[], Part[]] {
  const isWhole = (parts: readonly Part[]) => [...base, ...parts].some(({ spec }) => spec !== undefined);
  const named = suspects.filter((part) => isNamedIn(message, part, suspects));
  const unnamed = suspects.filter((part) => !named.includes(part));
  if (named.length > 0 && unnamed.length > 0 && isWhole(unnamed)) return [unnamed, named];
  const specs = suspects.filter(({ spec }) => spec !== undefined);
  const tags = suspects.filter(({ spec }) => spec === undefined);
  if (specs.length > 0 && tags.length > 0) return [specs, tags];
  const half = Math.ceil(suspects.length / 2);
  return [suspects.slice(0, half), suspects.slice(half)];
}

/** The refusal names something that only this part has: a tag, a subnet, a route table. */
function isNamedIn(message: string, part: Part, all: readonly Part[]): boolean {
  const others = new Set(
    all.flatMap((one) => (one === part ? [] : textsIn(part.spec === undefined ? one.tags : one.spec))),
  );
  const own = part.spec === undefined ? Object.entries(part.tags).flat() : textsIn(part.spec);
  return own.some((text) => text.length >= 3 && !others.has(text) && message.includes(text));
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => [name, ...textsIn(one)]);
}

function ids(parts: readonly Part[]): string[] {
  return parts.map(({ id }) => id);
}

/** What is left out of whose wishes, and why. */
export function leftOut(refusals: Refusals, partsOfKey: PartsOf): ReadonlyMap<ObjectName, string> {
  const told = new Map<ObjectName, string>();
  for (const [key, { bad }] of refusals) {
    for (const { id, owners, tags, spec } of partsOfKey(key)) {
      const blame = bad.get(id);
      if (!blame) continue;
      const [tag = ''] = Object.keys(tags);
      const what =
        spec === undefined ? `spec.tags[${tag}] is left out of ${key}` : `${key} is made without its part`;
      for (const owner of owners) {
        const before = told.get(owner);
        const text = `${what}, since AWS refused it: ${blame.message}`;
        told.set(owner, before === undefined ? text : `${before}; ${text}`);
      }
    }
  }
  return told;
}
