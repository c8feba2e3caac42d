import type { OracleFactory } from '../oracle.ts';

/** A source is looked at every fifteen seconds. */
const LATE_MS = 60_000;
const RECOVERY_MS = 90_000;
const WINDOW_MS = 60_000;
/** A sign of life, a hand-over and the four of a minute: far less than one look for each that a clock has passed over. */
const MOST = 20;

/** Sources are looked at again and again, however clocks are set: no less often, and not all at once. */
export const polls: OracleFactory = ({ now, troubledUntil, hasSources, violate }) => {
  let lookedAt: number | undefined;
  let recent: number[] = [];
  return {
    name: 'polls',
    onCall: ({ target, name }) => {
      if (target !== 'git') return;
      lookedAt = now();
      recent = [...recent.filter((at) => now() - at < WINDOW_MS), now()];
      if (recent.length === MOST + 1)
        violate('polls', `sources were looked at ${recent.length} times within a minute, at last by ${name}`);
    },
    onTick: () => {
      if (lookedAt === undefined || !hasSources()) {
        lookedAt = undefined;
        return;
      }
      const lateMs = now() - Math.max(lookedAt, troubledUntil() + RECOVERY_MS);
      if (lateMs > LATE_MS)
        violate('polls', `sources were last looked at ${(now() - lookedAt) / 1000} s ago`);
    },
  };
};
