import type { OracleFactory } from '../oracle.ts';

/** No call of a controller changes anything that is not ours. */
export const ownedOnly: OracleFactory = ({ things, violate }) => {
  const foreign = (service: string) =>
    new Map(things(service).flatMap((one) => (one.isOurs ? [] : [[`${one.kind} ${one.id}`, one.text()]])));
  return {
    name: 'owned-only',
    aroundEffect: (call, service) => {
      const before = foreign(service);
      return () => {
        const after = foreign(service);
        for (const [id, text] of before) {
          if (after.get(id) !== text)
            violate('owned-only', `${call.name} changed ${id}: ${text} -> ${after.get(id)}`);
        }
        for (const [id, text] of after) {
          if (!before.has(id)) violate('owned-only', `${call.name} made ${id} without our tags: ${text}`);
        }
      };
    },
  };
};
