import { UNREACHABLE_GRACE_MS } from '../../core/origin.ts';
import type { Clock } from '../../machinery/clock.ts';

interface Standing {
  readonly state: string;
  readonly sinceMs: number;
  /** What its Bastions were asked to tell. */
  readonly told: string;
}

/** Calls `onChange` when what the Bastions of a source tell of it is another by now, and at no other look. */
export function createSourceNews(clock: Clock, onChange: (source: string) => void) {
  const known = new Map<string, Standing>();
  return (source: string, state: string): void => {
    const before = known.get(source);
    const now = clock.monotonic();
    const sinceMs = before?.state === state ? before.sinceMs : now;
    // The record is written with whole seconds, and only these count there.
    const isBrief = state === 'unreachable' && now - sinceMs < UNREACHABLE_GRACE_MS + 1_000;
    const told = before && isBrief ? before.told : state;
    known.set(source, { state, sinceMs, told });
    if (told !== before?.told) onChange(source);
  };
}
