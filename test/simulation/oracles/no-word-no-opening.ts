import { rfc3339 } from '../../../controller/machinery/clock.ts';
import type { OracleFactory } from '../oracle.ts';

/** A pass that began before may still say what it saw. */
const SETTLES_MS = 60_000;

/** Nothing opens, and nothing is prolonged, whose git source nobody listens to any more. */
export const noWordNoOpening: OracleFactory = ({ now, orphanedAt, troubledUntil, violate }) => ({
  name: 'no-word-no-opening',
  onBastion: (next, before) => {
    const since = next && orphanedAt(next);
    if (since === undefined || now() < Math.max(since + SETTLES_MS, troubledUntil())) return;
    const [was, is] = [before?.status?.expiresAt ?? '', next?.status?.expiresAt ?? ''];
    if (is > was && is > rfc3339(now()))
      violate('no-word-no-opening', `${next?.metadata.name} is open until ${is}, before it was ${was}`);
  },
});
