import { isRecord } from '../../machinery/json.ts';
import { below, type FieldSet, isEmpty } from './field-set.ts';
import { type FieldType, fieldOf, isWhole, type ListType, type MapType, typeFor } from './field-type.ts';
import { fieldElement, itemElement } from './path-element.ts';

/** What stands for something of which nothing is left: null, or nothing at all. */
export type Hollow = null | undefined;

/** `value` without the fields and items of `set`. */
export function removeFields(type: FieldType, value: unknown, set: FieldSet, hollow: Hollow): unknown {
  const actual = typeFor(type, value);
  if (actual.kind === 'scalar') return value;
  if (isWhole(actual)) return hollow;
  if (actual.kind === 'map') return removeEntries(actual, value, set, hollow);
  return removeItems(actual, value, set, hollow);
}

function removeEntries(type: MapType, value: unknown, set: FieldSet, hollow: Hollow): unknown {
  const kept = Object.entries(isRecord(value) ? value : {}).flatMap(([name, inner]) => {
    const element = fieldElement(name);
    if (set.members.has(element)) return [];
    return [[name, removeBelow(fieldOf(type, name), inner, below(set, element), hollow)] as const];
  });
  // A parent that keeps a field stays, even where nothing is left of that field.
  return kept.length === 0 ? hollow : Object.fromEntries(kept.filter(([, inner]) => inner !== undefined));
}

function removeItems(type: ListType, value: unknown, set: FieldSet, hollow: Hollow): unknown {
  const kept = (Array.isArray(value) ? value : []).flatMap((item: unknown) => {
    const element = itemElement(type, item);
    if (element === undefined) return [item];
    if (set.members.has(element)) return [];
    return [removeBelow(type.items, item, below(set, element), hollow)];
  });
  return kept.length === 0 ? hollow : kept;
}

function removeBelow(type: FieldType, value: unknown, set: FieldSet, hollow: Hollow): unknown {
  return isEmpty(set) ? value : removeFields(type, value, set, hollow);
}
