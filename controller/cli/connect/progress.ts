import type { Bastion } from '../../api/bastion.ts';
import { oneLine, visibleLine } from '../../machinery/text.ts';
import type { CliIo } from '../io.ts';
import { busyWith } from '../progress.ts';
import { steer } from '../visible-io.ts';

/** What one waits for: a line for each thing that is not there yet. */
export interface ReadyProgress {
  show(bastion: Bastion): void;
  /** Takes away what is only of interest while one waits. */
  clear(): void;
}

/** More would not fit on most screens. */
const MOST_LINES = 16;

/** On stderr: a table that is redrawn on a terminal; on a pipe a plain line for whatever has changed. */
export function createReadyProgress({ stderr }: Pick<CliIo, 'stderr'>): ReadyProgress {
  let drawn = 0;
  let shown: readonly string[] = [];
  const erase = () => {
    // Up to where it begins, and everything from there on away.
    if (drawn > 0) steer(stderr, `\u001b[${drawn}A\r\u001b[0J`);
    drawn = 0;
  };
  return {
    show(bastion) {
      const lines = waitingLines(bastion).map(visibleLine);
      if (lines.join('\n') === shown.join('\n')) return;
      const fresh = lines.filter((line) => !shown.includes(line));
      shown = lines;
      if (!stderr.isTTY) {
        if (fresh.length > 0) stderr.write(`${fresh.join('\n')}\n`);
        return;
      }
      erase();
      const width = (stderr.columns ?? 80) - 1;
      const more = lines.length - MOST_LINES;
      const fit = more > 0 ? [...lines.slice(0, MOST_LINES - 1), `  … and ${more + 1} more`] : lines;
      // A line that wraps would be counted as one.
      stderr.write(`${fit.map((line) => line.slice(0, width)).join('\n')}\n`);
      drawn = fit.length;
    },
    clear: erase,
  };
}

/** Each condition that does not hold and each resource that is not there, as the status tells of them. */
function waitingLines(bastion: Bastion): string[] {
  const { conditions = [], resources = [] } = bastion.status ?? {};
  const open = conditions.filter(({ type, status }) => status !== 'True' && PARTS.includes(type));
  const missing = resources.filter(({ state }) => !THERE.includes(state));
  const rows = [
    ...open.map(({ type, reason, message }) => ({ what: type as string, state: reason, message })),
    ...missing.map(({ key, state, message }) => ({ what: key, state, message })),
  ];
  const width = Math.max(0, ...rows.map(({ what }) => what.length));
  return [busyWith(bastion), ...rows.map((row) => line(row, width))];
}

/** States of resources that nobody has to wait for. */
const THERE = ['Ready', 'Adopted', 'Deleted'];
const PARTS = ['Accepted', 'NetworkReady', 'IdentityReady', 'TaskRunning'];

function line(row: { what: string; state: string; message?: string | undefined }, width: number): string {
  const { what, state, message = '' } = row;
  return `  ${what.padEnd(width)} ${state.padEnd(12)} ${oneLine(message)}`.trimEnd();
}
