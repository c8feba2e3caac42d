import { type ObjectName, objectName } from '../machinery/object.ts';
import type { Facts } from './facts.ts';
import type { Claim, Desired, Key, Problem, Settings, Tags } from './resource.ts';
import { joinTags } from './tags.ts';

/** The part of a kind that turns a Bastion into wishes; the rest of it lives in `kinds/`. */
export interface Wisher {
  readonly desire: (claim: Claim, facts: Facts, settings: Settings) => readonly Wish[];
  readonly preflight?: (claim: Claim, facts: Facts, settings: Settings) => readonly Problem[];
  /** Both specs of one key made one; undefined when they contradict. Must be commutative and associative. */
  readonly merge?: (a: unknown, b: unknown) => unknown;
}

/** A desire before it is known who else has it. */
export type Wish = Omit<Desired, 'owners'>;

export interface DesiredSet {
  readonly byKey: ReadonlyMap<Key, Desired>;
  readonly problems: ReadonlyMap<ObjectName, readonly Problem[]>;
}

/** desired = union over all active Bastions of what each needs. The order of `claims` does not matter. */
export function union(
  claims: readonly Claim[],
  kinds: readonly Wisher[],
  facts: Facts,
  settings: Settings,
): DesiredSet {
  const byKey = new Map<Key, Wish>();
  // Collected apart from the wishes: joining them one by one would copy a thousand owners a thousand times.
  const owners = new Map<Key, ObjectName[]>();
  const problems = new Map<ObjectName, Problem[]>();
  const report = (owner: ObjectName, found: readonly Problem[]) => {
    if (found.length > 0) problems.set(owner, [...(problems.get(owner) ?? []), ...found]);
  };
  for (const claim of sortByName(claims)) {
    const owner = objectName(claim.bastion);
    for (const kind of kinds) {
      report(owner, kind.preflight?.(claim, facts, settings) ?? []);
      for (const wish of kind.desire(claim, facts, settings)) {
        const others = byKey.get(wish.key);
        const joined = others ? joinWishes(others, wish, kind) : wish;
        if (!joined) report(owner, [conflict(wish.key, owners.get(wish.key) ?? [])]);
        else byKey.set(wish.key, joined);
        if (joined) own(owners, wish.key, owner);
      }
    }
  }
  const owned = [...byKey].map(([key, wish]): [Key, Desired] => [
    key,
    { ...wish, owners: owners.get(key) ?? [] },
  ]);
  return { byKey: new Map(owned), problems };
}

/** Claims come in the order of their names, so that a name there already is the last one. */
function own(owners: Map<Key, ObjectName[]>, key: Key, owner: ObjectName): void {
  const known = owners.get(key);
  if (!known) owners.set(key, [owner]);
  else if (known.at(-1) !== owner) known.push(owner);
}

/** Undefined when the two contradict each other. */
export function join(a: Desired, b: Desired, kind: Pick<Wisher, 'merge'>): Desired | undefined {
  const joined = joinWishes(a, b, kind);
  return joined && { ...joined, owners: [...new Set([...a.owners, ...b.owners])].sort() };
}

function joinWishes(a: Wish, b: Wish, kind: Pick<Wisher, 'merge'>): Wish | undefined {
  const spec = same(a.spec, b.spec) ? a.spec : kind.merge?.(a.spec, b.spec);
  if (spec === undefined) return undefined;
  const { adopts, ...rest } = a;
  return {
    ...rest,
    spec,
    needs: same(a.needs, b.needs) ? a.needs : [...new Set([...a.needs, ...b.needs])].sort(),
    tags: same(a.tags, b.tags) ? a.tags : sharedTags(a.tags, b.tags),
    ...later(a.generation, b.generation),
    ...adoptedByBoth(adopts, b.adopts),
  };
}

/** Somebody else's resource that serves only one of the two leaves work for one of our own, which then serves both. */
function adoptedByBoth(a: string | undefined, b: string | undefined): { adopts?: string } {
  if (a === undefined || b === undefined) return {};
  return { adopts: a < b ? a : b };
}

function later(a: string | undefined, b: string | undefined): { generation?: string } {
  const generation = [a, b]
    .filter((text) => text !== undefined)
    .sort()
    .at(-1);
  return generation === undefined ? {} : { generation };
}

/** AWS takes 50 tags and ours come on top: many teams' tags must not make a shared resource impossible. */
const SHARED_TAGS = 40;

function sharedTags(a: Tags, b: Tags): Tags {
  return Object.fromEntries(Object.entries(joinTags(a, b)).slice(0, SHARED_TAGS));
}

function conflict(key: Key, owners: readonly ObjectName[]): Problem {
  const rivals = owners.join(', ');
  return {
    condition: 'Accepted',
    reason: 'Conflict',
    message: `${key} is already needed in another form by ${rivals}: make the two specs agree, or delete one`,
  };
}

/** Structural equality of JSON data, blind to the order of keys; a key that holds undefined is no key. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b)) return false;
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  }
  const hasAll = Object.keys(a).every((key) => same(a[key], b[key]));
  return hasAll && Object.keys(b).every((key) => b[key] === undefined || a[key] !== undefined);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** JSON with sorted keys: equal text for equal data. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function sortByName(claims: readonly Claim[]): Claim[] {
  return [...claims].sort((a, b) => (objectName(a.bastion) < objectName(b.bastion) ? -1 : 1));
}
