import { isDeepStrictEqual } from 'node:util';
import { isRecord, ownField } from '../../machinery/json.ts';
import {
  buildSet,
  differenceWithin,
  type FieldPath,
  type FieldSet,
  type SetBuilder,
  union,
} from './field-set.ts';
import {
  type FieldType,
  fieldOf,
  isWhole,
  type ListType,
  type MapType,
  type ScalarType,
  typeFor,
} from './field-type.ts';
import { fieldElement, itemElement, type PathElement } from './path-element.ts';

/** What makes one object of another. No field is in two of the sets. */
export interface Comparison {
  readonly removed: FieldSet;
  readonly modified: FieldSet;
  readonly added: FieldSet;
}

interface Walk {
  readonly removed: SetBuilder;
  readonly modified: SetBuilder;
  readonly added: SetBuilder;
}

/** One place in both objects; undefined is absent, which null is not. */
interface Pair {
  readonly type: FieldType;
  readonly before: unknown;
  readonly after: unknown;
  readonly path: FieldPath;
}

export function compareObjects(type: FieldType, before: unknown, after: unknown): Comparison {
  const walk: Walk = { removed: buildSet(), modified: buildSet(), added: buildSet() };
  compare(walk, { type, before, after, path: [] });
  return { removed: walk.removed.set, modified: walk.modified.set, added: walk.added.set };
}

/** The comparison without `reset` and all below. */
export function leaveOut({ removed, modified, added }: Comparison, reset: FieldSet): Comparison {
  return {
    removed: differenceWithin(removed, reset),
    modified: differenceWithin(modified, reset),
    added: differenceWithin(added, reset),
  };
}

export function changedIn({ modified, added }: Comparison): FieldSet {
  return union(modified, added);
}

function compare(walk: Walk, pair: Pair): void {
  const { type, before, after, path } = pair;
  const earlier = typeFor(type, before);
  const later = typeFor(type, after);
  let isLeaf: boolean;
  if (after === undefined) {
    isLeaf = compareAs(walk, earlier, pair);
  } else {
    if (before !== undefined && earlier.kind !== later.kind) compareAs(walk, earlier, pair);
    isLeaf = compareAs(walk, later, pair);
  }
  if (isLeaf) return;
  if (before === undefined) walk.added.add(path);
  else if (after === undefined) walk.removed.add(path);
}

/** Answers whether the pair was compared as a whole. */
function compareAs(walk: Walk, type: ScalarType | MapType | ListType, pair: Pair): boolean {
  if (isWhole(type) || (size(type, pair.before) === 0 && size(type, pair.after) === 0)) {
    compareWhole(walk, pair);
    return true;
  }
  if (type.kind === 'map') compareFields(walk, type, pair);
  else if (type.kind === 'list') compareItems(walk, type, pair);
  return false;
}

/** How much there is of a type; nothing in a value of another type. */
function size(type: ScalarType | MapType | ListType, value: unknown): number {
  if (type.kind === 'map') return isRecord(value) ? Object.keys(value).length : 0;
  return Array.isArray(value) ? value.length : 0;
}

function compareWhole(walk: Walk, { before, after, path }: Pair): void {
  if (before === undefined) walk.added.add(path);
  else if (after === undefined) walk.removed.add(path);
  else if (!isDeepStrictEqual(before, after)) walk.modified.add(path);
}

function compareFields(walk: Walk, type: MapType, { before, after, path }: Pair): void {
  const names = [before, after].flatMap((value) => (isRecord(value) ? Object.keys(value) : []));
  for (const name of new Set(names)) {
    compare(walk, {
      type: fieldOf(type, name),
      before: ownField(before, name),
      after: ownField(after, name),
      path: [...path, fieldElement(name)],
    });
  }
}

function compareItems(walk: Walk, type: ListType, { before, after, path }: Pair): void {
  const earlier = itemsByElement(type, before);
  const later = itemsByElement(type, after);
  for (const element of new Set([...earlier.keys(), ...later.keys()])) {
    const [left, right] = [earlier.get(element) ?? [], later.get(element) ?? []];
    const place = [...path, element];
    const item = { type: type.items, path: place };
    // Items that are there twice are compared as a whole.
    if (left.length <= 1 && right.length <= 1) {
      compare(walk, { ...item, before: left[0], after: right[0] });
    } else if (left.length > 1 && right.length > 1) {
      if (!isDeepStrictEqual(left, right)) walk.modified.add(place);
    } else if (left.length > 1) {
      if (right.length > 0) compare(walk, { ...item, before: undefined, after: right[0] });
      walk.removed.add(place);
    } else {
      if (left.length > 0) compare(walk, { ...item, before: left[0], after: undefined });
      walk.added.add(place);
    }
  }
}

/** Items that lack what they are known by belong to nobody. */
export function itemsByElement(type: ListType, list: unknown): ReadonlyMap<PathElement, readonly unknown[]> {
  const found = new Map<PathElement, unknown[]>();
  for (const item of Array.isArray(list) ? list : []) {
    const element = itemElement(type, item);
    if (element === undefined) continue;
    const same = found.get(element);
    if (same) same.push(item);
    else found.set(element, [item]);
  }
  return found;
}
