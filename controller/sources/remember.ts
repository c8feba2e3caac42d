import { rfc3339 } from '../machinery/clock.ts';
import type { ObjectName } from '../machinery/object.ts';
import type { Applied } from './apply.ts';
import type { Declarations } from './declared.ts';
import { remembered } from './doubts.ts';
import { bounded, NO_MEMORY, type Removed, type SourceMemory } from './memory.ts';

export interface RememberOptions {
  readonly memory: SourceMemory | undefined;
  readonly applied: Applied;
  readonly declarations: Declarations;
  readonly placesOf: (name: ObjectName) => readonly string[];
  readonly failureAt: (name: ObjectName, path: string | undefined) => unknown;
  readonly isRewritten: boolean;
  readonly nowMs: number;
  readonly ref: string | undefined;
}

/** What the next sync has to know of this one. */
export function remember(options: RememberOptions): SourceMemory {
  const { applied, placesOf, ref } = options;
  const { known, rivals, undeclared } = applied;
  const lost = lostRemovals(options);
  const inDoubt = [...undeclared, ...lost.map(([name]) => name)];
  const doubts = inDoubt.flatMap((name) => {
    const places = placesOf(name);
    return places.length > 0 ? [[name, remembered(places)] as const] : [];
  });
  return bounded({
    ...(ref !== undefined && { ref }),
    ...{ known, rivals, removed: { ...applied.removed, ...Object.fromEntries(lost) } },
    doubts: Object.fromEntries(doubts),
  });
}

/**
 * Of what was deleted by hand, that whose file says nothing that can be read. It is forgotten once the file is plainly gone: whatever
 * comes back then has changed.
 */
function lostRemovals(options: RememberOptions): readonly (readonly [ObjectName, Removed])[] {
  const { memory = NO_MEMORY, applied, declarations, placesOf, failureAt, isRewritten, nowMs } = options;
  const { declared, failures, unreadable } = declarations;
  const settled = new Set<string>([...declared.keys(), ...applied.undeclared, ...applied.deleted]);
  const names = [...Object.keys(memory.known), ...Object.keys(memory.removed)] as ObjectName[];
  return [...new Set(names)].flatMap((name) => {
    if (settled.has(name)) return [];
    const {
      digest = memory.known[name] ?? '',
      at = rfc3339(nowMs),
      path,
      isLost,
    } = memory.removed[name] ?? {};
    const isOpen =
      path === undefined
        ? failures.length + unreadable.size > 0
        : failureAt(name, path) !== undefined || placesOf(name).length > 0;
    if (!isOpen && !isRewritten && !isLost) return [];
    const removed = { digest, at, ...(path !== undefined && { path }) };
    return [[name, { ...removed, ...((isRewritten || isLost) && { isLost: true as const }) }] as const];
  });
}
