import { compareText, type PathElement, showElement } from './path-element.ts';

export type FieldPath = readonly PathElement[];

/** A set of fields as a tree. A field below another one does not make that other one a member. */
export interface FieldSet {
  readonly members: ReadonlySet<PathElement>;
  readonly children: ReadonlyMap<PathElement, FieldSet>;
}

interface GrowingSet extends FieldSet {
  readonly members: Set<PathElement>;
  readonly children: Map<PathElement, GrowingSet>;
}

export interface SetBuilder {
  readonly set: FieldSet;
  /** The root belongs to nobody: adding the empty path does nothing. */
  add(path: FieldPath): void;
}

export const EMPTY: FieldSet = { members: new Set(), children: new Map() };

export function buildSet(): SetBuilder {
  const set: GrowingSet = { members: new Set(), children: new Map() };
  const add = (path: FieldPath) => {
    const last = path.at(-1);
    if (last === undefined) return;
    let node = set;
    for (const element of path.slice(0, -1)) {
      const child: GrowingSet = node.children.get(element) ?? { members: new Set(), children: new Map() };
      node.children.set(element, child);
      node = child;
    }
    node.members.add(last);
  };
  return { set, add };
}

export function setOf(paths: Iterable<FieldPath>): FieldSet {
  const builder = buildSet();
  for (const path of paths) builder.add(path);
  return builder.set;
}

export function isEmpty({ members, children }: FieldSet): boolean {
  return members.size === 0 && [...children.values()].every(isEmpty);
}

export function below(set: FieldSet, element: PathElement): FieldSet {
  return set.children.get(element) ?? EMPTY;
}

export function hasPath(set: FieldSet, path: FieldPath): boolean {
  const last = path.at(-1);
  return last !== undefined && path.slice(0, -1).reduce(below, set).members.has(last);
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map(a.children);
  for (const [element, child] of b.children) {
    const own = children.get(element);
    children.set(element, own ? union(own, child) : child);
  }
  return { members: new Set([...a.members, ...b.members]), children };
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const members = [...a.members].filter((element) => b.members.has(element));
  const children = [...a.children].map(
    ([element, child]) => [element, intersection(child, below(b, element))] as const,
  );
  return tidy(members, children);
}

/** What is in `a` and not in `b`, field by field: to take a parent away leaves its children. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const members = [...a.members].filter((element) => !b.members.has(element));
  const children = [...a.children].map(
    ([element, child]) => [element, difference(child, below(b, element))] as const,
  );
  return tidy(members, children);
}

/** What is in `a` and neither in `b` nor below what is in `b`. */
export function differenceWithin(a: FieldSet, b: FieldSet): FieldSet {
  const members = [...a.members].filter((element) => !b.members.has(element));
  const children = [...a.children]
    .filter(([element]) => !b.members.has(element))
    .map(([element, child]) => [element, differenceWithin(child, below(b, element))] as const);
  return tidy(members, children);
}

function tidy(
  members: readonly PathElement[],
  children: readonly (readonly [PathElement, FieldSet])[],
): FieldSet {
  return { members: new Set(members), children: new Map(children.filter(([, child]) => !isEmpty(child))) };
}

/** Every member; of each node the members come first, sorted. */
export function pathsOf(set: FieldSet, prefix: FieldPath = []): FieldPath[] {
  const members = [...set.members].sort(compareText).map((element) => [...prefix, element]);
  const children = [...set.children].sort(([a], [b]) => compareText(a, b));
  return [...members, ...children.flatMap(([element, child]) => pathsOf(child, [...prefix, element]))];
}

/** `.spec.targets[name="orders"].port`. */
export function showPath(path: FieldPath): string {
  return path.map(showElement).join('');
}
