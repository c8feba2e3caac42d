import type { OracleFactory } from '../oracle.ts';

const WINDOW_MS = 20 * 60_000;
/** A poll each 15 s that wrote would make 80; people and faults make a few. */
const WRITES = 40;

/** A poll that finds nothing new writes nothing. */
export const quietRecords: OracleFactory = ({ now, violate }) => {
  const writes = new Map<string, number[]>();
  return {
    name: 'quiet-records',
    onSource: (name) => {
      const recent = (writes.get(name) ?? []).filter((at) => now() - at < WINDOW_MS);
      recent.push(now());
      writes.set(name, recent);
      if (recent.length === WRITES)
        violate('quiet-records', `${name} was written ${WRITES} times in 20 minutes`);
    },
  };
};
