import { isRecord, ownField } from '../../machinery/json.ts';
import { type FieldType, fieldOf, isWhole, type ListType, type MapType, typeFor } from './field-type.ts';
import { itemElement, type PathElement } from './path-element.ts';

/** `live` with `configuration` laid over it: nothing is taken away, and what both say is as the configuration says. */
export function mergeObjects(type: FieldType, live: unknown, configuration: unknown): unknown {
  return merge(type, live, configuration);
}

/** Undefined is absent. */
function merge(type: FieldType, left: unknown, right: unknown): unknown {
  const actual = typeFor(type, right === undefined ? left : right);
  const whole = right === undefined ? left : right;
  if (isWhole(actual)) return whole;
  if (actual.kind === 'map') {
    if (isEmptyMap(left) && isEmptyMap(right)) return whole;
    return mergeFields(actual, left, right);
  }
  if (actual.kind === 'list' && !(isEmptyList(left) && isEmptyList(right))) {
    return mergeItems(actual, left, right);
  }
  return whole;
}

function isEmptyMap(value: unknown): boolean {
  return value === undefined || value === null || (isRecord(value) && Object.keys(value).length === 0);
}

function isEmptyList(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function mergeFields(type: MapType, left: unknown, right: unknown): unknown {
  // A value of the wrong shape is kept, for the validation to refuse.
  if (right !== undefined && right !== null && !isRecord(right)) return right;
  const names = [left, right].flatMap((value) => (isRecord(value) ? Object.keys(value) : []));
  const merged = [...new Set(names)].map((name) => {
    return [name, merge(fieldOf(type, name), ownField(left, name), ownField(right, name))] as const;
  });
  const present = merged.filter(([, value]) => value !== undefined);
  return present.length === 0 ? undefined : Object.fromEntries(present);
}

interface Item {
  /** Undefined where the item lacks what items are known by. */
  readonly element: PathElement | undefined;
  readonly value: unknown;
}

function mergeItems(type: ListType, left: unknown, right: unknown): unknown {
  if (right !== undefined && right !== null && !Array.isArray(right)) return right;
  const merged = weave(type, itemsOf(type, left), itemsOf(type, right));
  return merged.length === 0 ? undefined : merged;
}

function itemsOf(type: ListType, list: unknown): readonly Item[] {
  if (!Array.isArray(list)) return [];
  return list.map((value) => ({ element: itemElement(type, value), value }));
}

/**
 * The items of both lists, those of `right` in its order: an item of both comes where `right` has it, one that only `left` has stays
 * behind the item of both that it followed.
 */
function weave(type: ListType, left: readonly Item[], right: readonly Item[]): readonly unknown[] {
  const inLeft = new Map(left.map((item) => [item.element, item]));
  const repeated = repeatedIn(left);
  const inRight = new Set(right.map(({ element }) => element));
  const shared = right
    .map(({ element }) => element)
    .filter((element) => isKnown(element) && inLeft.has(element));
  const isShared = (item: Item) => isKnown(item.element) && inRight.has(item.element);
  const merged: unknown[] = [];
  const done = new Set<PathElement | undefined>();
  const take = ({ element, value }: Item) => {
    // Of items that are there twice nobody knows which one is meant: the new one stands for both.
    const own = isKnown(element) && !repeated.has(element) ? inLeft.get(element)?.value : undefined;
    done.add(element);
    merged.push(merge(type.items, own, value));
  };
  let [l, r] = [0, 0];
  let next = shared.shift();
  while (l < left.length || r < right.length) {
    const [mine, theirs] = [left[l], right[r]];
    if (mine && theirs && isKnown(mine.element) && mine.element === theirs.element) {
      take(theirs);
      l++;
      r++;
      next = shared.shift();
    } else if (mine && theirs && isShared(mine) && next !== undefined && next !== mine.element) {
      l++;
    } else if (mine && !isShared(mine)) {
      merged.push(mine.value);
      l++;
    } else {
      if (mine && done.has(mine.element)) l++;
      if (!theirs) continue;
      take(theirs);
      r++;
      if (next !== undefined && next === theirs.element) next = shared.shift();
    }
  }
  return merged;
}

function isKnown(element: PathElement | undefined): boolean {
  return element !== undefined;
}

function repeatedIn(items: readonly Item[]): ReadonlySet<PathElement | undefined> {
  const seen = new Set<PathElement | undefined>();
  return new Set(
    items.map(({ element }) => element).filter((element) => seen.size === seen.add(element).size),
  );
}
