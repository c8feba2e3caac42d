import { type Comparison, changedIn, leaveOut } from './compare.ts';
import type { Conflict } from './conflict.ts';
import {
  difference,
  EMPTY,
  type FieldSet,
  intersection,
  isEmpty,
  pathsOf,
  setOf,
  showPath,
  union,
} from './field-set.ts';
import {
  type Managed,
  type Manager,
  managerId,
  type Ownership,
  ownable,
  secondsOf,
  withOwnership,
} from './managed.ts';
import { compareText, fieldElement } from './path-element.ts';

/** What a write through this door cannot change, and so cannot own. */
export function resetFields(subresource: 'status' | undefined): FieldSet {
  return setOf([[fieldElement(subresource === 'status' ? 'spec' : 'status')]]);
}

export interface Taking {
  readonly managed: Managed;
  readonly comparison: Comparison;
  /** The id of the one who makes the change. */
  readonly writer: string;
}

/** The fields that others own and the change gives another value. */
function lostFields({ managed, comparison, writer }: Taking): ReadonlyMap<string, FieldSet> {
  const changed = changedIn(comparison);
  const lost = [...managed]
    .filter(([id]) => id !== writer)
    .map(([id, { set }]) => [id, intersection(set, changed)] as const);
  return new Map(lost.filter(([, set]) => !isEmpty(set)));
}

/** Takes from all but the writer what the change gives another value or removes. Who is left with nothing is gone. */
export function takeFields(taking: Taking): Managed {
  const { managed, comparison, writer } = taking;
  const lost = lostFields(taking);
  const left = [...managed].map(([id, ownership]): [string, Ownership] => {
    if (id === writer) return [id, ownership];
    const kept = difference(difference(ownership.set, lost.get(id) ?? EMPTY), comparison.removed);
    return [id, { ...ownership, set: kept }];
  });
  return new Map(left.filter(([, { set }]) => !isEmpty(set)));
}

export function conflictsIn(taking: Taking): readonly LostField[] {
  const lost = [...lostFields(taking)].sort(([a], [b]) => compareText(a, b));
  return lost.flatMap(([id, set]) => {
    const owner = taking.managed.get(id);
    return owner ? pathsOf(set).map((path) => ({ owner, path })) : [];
  });
}

export interface LostField {
  readonly owner: Ownership;
  readonly path: readonly string[];
}

export function toConflict({ owner, path }: LostField): Conflict {
  const { manager, operation, apiVersion, subresource } = owner;
  return { manager, operation, apiVersion, ...(subresource ? { subresource } : {}), field: showPath(path) };
}

export interface Claim {
  readonly managed: Managed;
  readonly comparison: Comparison;
  readonly manager: Manager;
  readonly subresource?: 'status' | undefined;
  readonly now: string;
}

/** An update: who changes or adds a field is its only owner then. */
export function claimChanges({ managed, comparison: whole, manager, subresource, now }: Claim): Managed {
  const reset = resetFields(subresource);
  const comparison = leaveOut(whole, reset);
  // The writer's own older entry gives way too, and gets it all back below.
  const left = takeFields({ managed, comparison, writer: '' });
  const taken = ownable(changedIn(comparison));
  if (isEmpty(taken)) return capUpdates(left);
  const own = left.get(managerId(manager))?.set ?? EMPTY;
  return capUpdates(withOwnership(left, { ...manager, set: union(own, taken), time: now }));
}

const MAX_UPDATES = 10;

/** An object that very many have written to keeps the last of them; the oldest become one. */
function capUpdates(managed: Managed): Managed {
  const updates = [...managed]
    .filter(([, { operation }]) => operation === 'Update')
    .sort(([idA, a], [idB, b]) => secondsOf(a) - secondsOf(b) || compareText(idA, idB));
  const excess = updates.length - MAX_UPDATES;
  if (excess <= 0) return managed;
  const kept = new Map(managed);
  const oldest = updates.slice(0, excess + 1);
  let ancient = EMPTY;
  for (const [id, { set }] of oldest) {
    ancient = union(ancient, set);
    kept.delete(id);
  }
  const last = oldest.at(-1)?.[1];
  if (!last) return managed;
  const { subresource: _subresource, ...bucket } = last;
  return withOwnership(kept, { ...bucket, manager: 'ancient-changes', set: ancient });
}
