import { isRecord, type JsonObject } from '../../machinery/json.ts';
import { EMPTY, type FieldSet, isEmpty } from './field-set.ts';
import { compareText, type PathElement, parseElement } from './path-element.ts';

/** The JSON form of a set, its keys sorted. A member is an empty object, or has `.` beside its children. */
export function formatFields({ members, children }: FieldSet, isMember = false): JsonObject {
  const inner = [...new Set([...members, ...children.keys()])].sort(compareText).map((element) => {
    const child = children.get(element) ?? EMPTY;
    return [element, formatFields(child, members.has(element))] as const;
  });
  return Object.fromEntries(isMember && inner.length > 0 ? [['.', {}], ...inner] : inner);
}

/** @throws Error where the JSON is no set of fields */
export function parseFields(json: unknown): FieldSet {
  return parseNode(json).set;
}

interface Node {
  readonly set: FieldSet;
  readonly isMember: boolean;
}

function parseNode(json: unknown): Node {
  if (json !== null && !isRecord(json))
    throw new Error('found no object, allowed: an object of path elements');
  const members = new Set<PathElement>();
  const children = new Map<PathElement, FieldSet>();
  for (const [key, inner] of Object.entries(json ?? {})) {
    if (key === '.') continue;
    const element = parseElement(key);
    if (element === 'unknown') continue;
    const node = parseNode(inner);
    if (node.isMember) members.add(element);
    if (!isEmpty(node.set)) children.set(element, node.set);
  }
  const isAlone = members.size === 0 && children.size === 0;
  return { set: { members, children }, isMember: isAlone || (json !== null && Object.hasOwn(json, '.')) };
}
