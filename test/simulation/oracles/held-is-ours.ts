import type { OracleFactory } from '../oracle.ts';

/** A person is asked about nothing that is not ours: what is somebody else's is no leftover of ours that nobody wants. */
export const heldIsOurs: OracleFactory = ({ things, violate }) => ({
  name: 'held-is-ours',
  onOutput: (text) => {
    if (!text.includes('"kind":"Guard"')) return;
    const { status } = JSON.parse(text) as { status?: { withheld?: readonly string[] } };
    const held = new Set((status?.withheld ?? []).map((one) => one.slice(one.lastIndexOf(' ') + 1)));
    if (held.size === 0) return;
    // A parameter is found by its path, and asked whose it is only before it is deleted.
    const foreign = things().find(({ kind, id, isOurs }) => !isOurs && kind !== 'parameter' && held.has(id));
    if (foreign)
      violate('held-is-ours', `a guard holds back ${foreign.kind} ${foreign.id}, which is not ours`);
  },
});
