import type { OracleFactory } from '../oracle.ts';

/** What somebody has closed stays closed until somebody opens it, whatever a source of truth says. */
export const closingWins: OracleFactory = ({ closedBy, violate }) => ({
  name: 'closing-wins',
  onBastion: (next) => {
    if (!next || next.metadata.deletionTimestamp !== undefined) return;
    const { name } = next.metadata;
    const how = closedBy(name);
    if (how === 'deletion') violate('closing-wins', `${name} was deleted by hand, and is there again`);
    if (how === 'suspension' && next.spec.suspend !== true)
      violate('closing-wins', `${name} was suspended, and opens again`);
  },
});
