import { isRecord } from '../../machinery/json.ts';
import { itemsByElement } from './compare.ts';
import {
  buildSet,
  differenceWithin,
  type FieldPath,
  type FieldSet,
  type SetBuilder,
  setOf,
  union,
} from './field-set.ts';
import { type FieldType, fieldOf, isWhole, type MapType, typeFor, UNTYPED } from './field-type.ts';
import { fieldElement, fieldName, type PathElement } from './path-element.ts';

/** Every field that an object states: its leaves, its list items, and the entries of its maps. */
export function coveredBy(type: FieldType, value: unknown): FieldSet {
  const builder = buildSet();
  cover(builder, type, value, []);
  return builder.set;
}

function cover(builder: SetBuilder, type: FieldType, value: unknown, path: FieldPath): void {
  const actual = typeFor(type, value);
  if (isWhole(actual)) {
    builder.add(path);
  } else if (actual.kind === 'map') {
    coverFields(builder, actual, value, path);
  } else if (actual.kind === 'list') {
    for (const [element, items] of itemsByElement(actual, value)) {
      const place = [...path, element];
      if (items.length === 1) cover(builder, actual.items, items[0], place);
      builder.add(place);
    }
  }
}

function coverFields(builder: SetBuilder, type: MapType, value: unknown, path: FieldPath): void {
  for (const [name, inner] of Object.entries(isRecord(value) ? value : {})) {
    const place = [...path, fieldElement(name)];
    cover(builder, fieldOf(type, name), inner, place);
    const isHollow = inner === null || (isRecord(inner) && Object.keys(inner).length === 0);
    if (isHollow || !type.fields.has(name)) builder.add(place);
  }
}

/** The set with every field that the schema names and something of the set is below: they come and go with what is in them. */
export function withNamedFields(type: FieldType, set: FieldSet): FieldSet {
  const named = [...set.children.keys()].filter((element) => {
    const name = fieldName(element);
    return name !== undefined && type.kind === 'map' && type.fields.has(name);
  });
  const children = [...set.children].map(([element, child]) => {
    return [element, withNamedFields(typeBelow(type, element) ?? UNTYPED, child)] as const;
  });
  return { members: new Set([...set.members, ...named]), children: new Map(children) };
}

function typeBelow(type: FieldType, element: PathElement): FieldType | undefined {
  const name = fieldName(element);
  if (name !== undefined) return type.kind === 'map' ? fieldOf(type, name) : undefined;
  return type.kind === 'list' ? type.items : undefined;
}

/** The set as the schema has it today: what it had owned within a field that is now owned as a whole is now the whole field. */
export function followSchema(type: FieldType, set: FieldSet): FieldSet {
  const wholes: FieldPath[] = [];
  findWholes(type, set, [], wholes);
  if (wholes.length === 0) return set;
  const roots = setOf(wholes);
  return union(differenceWithin(set, roots), roots);
}

function findWholes(type: FieldType, set: FieldSet, path: FieldPath, wholes: FieldPath[]): void {
  for (const [element, child] of set.children) {
    const inner = typeBelow(type, element);
    if (!inner || inner.kind === 'any' || inner.kind === 'scalar') continue;
    const place = [...path, element];
    if (isWhole(inner)) wholes.push(place);
    else findWholes(inner, child, place, wholes);
  }
}
