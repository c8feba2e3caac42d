import type { Progress } from '../core/order.ts';
import type { Step } from '../core/plan.ts';
import type { Key, KindName, Lookup, Observed } from '../core/resource.ts';
import { knows, type Part, preferred, type Snapshot } from '../core/snapshot.ts';

/** The state of the world as a pass changes it. */
export interface Tracker extends Progress {
  readonly lookup: Lookup;
  readonly record: (step: Step, changed: Observed | undefined) => void;
  /** Nobody knows what a failed call of this kind did. */
  readonly doubt: (kind: KindName) => void;
  readonly snapshot: () => Snapshot;
  readonly touched: () => ReadonlySet<KindName>;
}

export function startProgress(steps: readonly Step[], snapshot: Snapshot): Tracker {
  const world = new Map<string, Observed>();
  const byKey = new Map<Key, Set<string>>();
  const users = new Map<string, Set<string>>();
  const put = (resource: Observed) => {
    const id = identity(resource);
    world.set(id, resource);
    add(byKey, resource.key, id);
    for (const used of resource.uses) add(users, used, id);
  };
  for (const part of snapshot.parts.values()) part.resources.forEach(put);
  const find = (ids: ReadonlySet<string> | undefined) =>
    [...(ids ?? [])].flatMap((id) => world.get(id) ?? []).filter((resource) => resource.state !== 'gone');

  const satisfied = new Set(
    steps
      .filter((step) => step.action === 'keep' || step.action === 'adopt' || step.harmless)
      .map((step) => step.key),
  );
  const going = new Map<string, Step>();
  for (const step of steps) if (step.observed && isLeaving(step)) going.set(identity(step.observed), step);
  const touched = new Set<KindName>();
  const lookup: Lookup = (key) => preferred(find(byKey.get(key)).filter((resource) => resource.owned));

  return {
    lookup,
    isReady: (key) => satisfied.has(key),
    isThere: (key) => isLasting(lookup(key)),
    usersOf: (id) => find(users.get(id)),
    leavingUsersOf: (key) => find(users.get(key)).filter((resource) => going.has(identity(resource))),
    leaving: (kinds, owner) =>
      [...going.values()]
        .flatMap((step) => (step.observed ? (world.get(identity(step.observed)) ?? []) : []))
        .filter(
          (resource) =>
            resource.state !== 'gone' && resource.owner === owner && kinds.includes(resource.kind),
        ),
    unknown: (kind) =>
      knows(snapshot, kind) ? undefined : (snapshot.failures.get(kind) ?? `${kind} was not listed yet`),
    record: (step, changed) => {
      if (!changed) touched.add(step.kind);
      else put(changed);
      if (changed && changed.state !== 'ready' && changed.state !== 'gone') touched.add(step.kind);
      if (changed?.state === 'ready') satisfied.add(step.key);
    },
    doubt: (kind) => touched.add(kind),
    snapshot: () => ({ ...snapshot, parts: partsOf(world, snapshot) }),
    touched: () => touched,
  };
}

/** Whether it is of use to whatever is made for it: one that is being deleted has no time left. */
function isLasting(resource: Observed | undefined): boolean {
  return resource?.state === 'ready' || resource?.state === 'pending';
}

function isLeaving(step: Step): boolean {
  return step.action === 'delete' || (step.action === 'wait' && step.observed?.state === 'deleting');
}

function identity(resource: Observed): string {
  return `${resource.key} ${resource.id}`;
}

function add<K>(index: Map<K, Set<string>>, key: K, id: string): void {
  const ids = index.get(key);
  if (ids) ids.add(id);
  else index.set(key, new Set([id]));
}

/** What was removed for good is left out; what merely ended (a stopped task) was in the list and stays. */
function partsOf(world: ReadonlyMap<string, Observed>, snapshot: Snapshot): ReadonlyMap<KindName, Part> {
  const parts = new Map<KindName, Part>();
  const resources = new Map<KindName, Observed[]>();
  for (const resource of world.values()) {
    if (resource.state === 'gone' && resource.end === undefined) continue;
    const list = resources.get(resource.kind);
    if (list) list.push(resource);
    else resources.set(resource.kind, [resource]);
  }
  for (const [name, part] of snapshot.parts)
    parts.set(name, { ...part, resources: resources.get(name) ?? [] });
  return parts;
}
