import type { OracleFactory } from '../oracle.ts';

/** No Bastion is deleted for a file that nobody can read. */
export const unknownIsNotAbsent: OracleFactory = ({ isDoubted, closedBy, violate }) => ({
  name: 'unknown-is-not-absent',
  onBastion: (next, before) => {
    const { name } = (next ?? before)?.metadata ?? { name: '' };
    const wasThere = before !== undefined && before.metadata.deletionTimestamp === undefined;
    const isThere = next !== undefined && next.metadata.deletionTimestamp === undefined;
    if (!wasThere || isThere || !isDoubted(name) || closedBy(name) === 'deletion') return;
    violate('unknown-is-not-absent', `${name} is deleted, and nobody can tell whether its file is gone`);
  },
});
