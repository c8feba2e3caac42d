// Loaded into a controller by NODE_OPTIONS: its wall clock is ahead of the machine's by the milliseconds that a file tells, from one
// moment to the next, as when somebody sets the clock. What measures durations (`performance`, timers) is not moved by that.
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 100;
const file = process.env.CHAOS_CLOCK_FILE;
const Machine = Date;
let aheadMs = 0;
let lookedAt = Number.NEGATIVE_INFINITY;

function now() {
  if (performance.now() - lookedAt >= LOOK_EVERY_MS) {
    lookedAt = performance.now();
    try {
      aheadMs = Number(readFileSync(file, 'utf8')) || 0;
    } catch {
      // No file: nobody has stepped it.
    }
  }
  return Machine.now() + aheadMs;
}

if (file !== undefined) {
  globalThis.Date = class SteppedDate extends Machine {
    constructor(...parts) {
      if (parts.length === 0) super(now());
      else super(...parts);
    }
    static now() {
      return now();
    }
  };
}
