import type { OracleFactory } from '../oracle.ts';

/** What a store has lost is unknown, and not absent: nothing goes for that before a person has confirmed it. */
export const noAmnesia: OracleFactory = ({ bastions, things, forgotten, wasTampered, violate }) => ({
  name: 'no-amnesia',
  aroundEffect: (call, service) => {
    if (forgotten.size === 0 || wasTampered()) return undefined;
    // One that is back decides about what it owns, and the others about what they share.
    const isDecided = (owner: string | undefined) =>
      owner === undefined ? bastions.size > 0 : bastions.has(owner);
    const before = things(service).filter(
      ({ id, isLive, owner }) => isLive && forgotten.has(id) && !isDecided(owner),
    );
    return () => {
      const left = new Set(things(service).flatMap(({ id, isLive }) => (isLive ? [id] : [])));
      for (const { kind, id, owner } of before)
        if (!left.has(id))
          violate(
            'no-amnesia',
            `${call.name} took ${kind} ${id} of ${owner ?? 'several'}, which the store has lost`,
          );
    };
  },
});
