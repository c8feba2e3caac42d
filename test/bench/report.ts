import { seconds } from './critical-path.ts';
import type { Measured } from './measure.ts';
import { totalCalls } from './rig.ts';
import type { WatchLoad, WatchResult } from './watches.ts';

/** One line: what was measured at each N, and where there is a target, whether it is reached at every N. */
export interface Line {
  readonly name: string;
  readonly target?: string;
  readonly cells: readonly { readonly text: string; readonly ok?: boolean }[];
}

const READY_FACTOR = 1.1;
const PASS_CPU_MS = 1_000;
const HEAP_BYTES = 32 * 1024;

/** Terraform's refresh of the same stacks, for comparison; the figures are those of issue 2, not measured here. */
const TERRAFORM_CALLS: Readonly<Record<number, string>> = { 1: '51', 1000: '24,000' };

export function linesOf(all: readonly Measured[]): Line[] {
  const line = (name: string, show: (one: Measured) => string): Line => ({
    name,
    cells: all.map((one) => ({ text: show(one) })),
  });
  const judged = (
    name: string,
    target: string,
    show: (one: Measured) => string,
    isMet: (one: Measured) => boolean,
  ): Line => ({ name, target, cells: all.map((one) => ({ text: show(one), ok: isMet(one) })) });
  const cpu = ({ cpuMs }: { cpuMs: number }) => `${Math.round(cpuMs)} ms`;
  return [
    judged(
      'calls per no-op resync',
      '<= 8 at 1, <= 50',
      ({ resync }) => String(totalCalls(resync)),
      ({ resync, count }) => totalCalls(resync) <= (count === 1 ? 8 : 50),
    ),
    line("  Terraform's refresh (issue 2)", ({ count }) => TERRAFORM_CALLS[count] ?? ''),
    judged(
      'all from nothing to Ready',
      '<= 1.1 x critical',
      ({ nothing }) => timing(nothing),
      ({ nothing }) => nothing.ms <= READY_FACTOR * nothing.path.totalMs,
    ),
    judged(
      'one joining to Ready',
      '<= 1.1 x critical',
      ({ join }) => timing(join),
      ({ join }) => join.ms <= READY_FACTOR * join.path.totalMs,
    ),
    judged(
      'throttled calls',
      '0',
      ({ throttled }) => String(throttled),
      ({ throttled }) => throttled === 0,
    ),
    line('  passes that paced themselves', ({ nothing }) => `${nothing.usage.paced}/${nothing.usage.passes}`),
    judged(
      'no-op resync, CPU',
      '< 1 s',
      ({ resync }) => cpu(resync),
      ({ resync }) => resync.cpuMs < PASS_CPU_MS,
    ),
    line('  wall', ({ resync }) => `${Math.round(resync.wallMs)} ms`),
    judged(
      'full pass, CPU',
      '< 1 s',
      ({ full }) => cpu(full),
      ({ full }) => full.cpuMs < PASS_CPU_MS,
    ),
    line('  wall', ({ full }) => `${Math.round(full.wallMs)} ms`),
    line(
      '  longest pass on the way up, CPU',
      ({ nothing }) => `${Math.round(nothing.usage.longestPassCpuMs)} ms`,
    ),
    judged(
      'retained heap per Bastion',
      '<= 32 KB at 100 and up',
      ({ heapPerBastion }) => `${(heapPerBastion / 1024).toFixed(1)} KB`,
      // With a few Bastions it is what every scope holds once that is divided among them.
      ({ heapPerBastion, count }) => count < 100 || heapPerBastion <= HEAP_BYTES,
    ),
    ...driftLines(all),
  ];
}

function driftLines(all: readonly Measured[]): Line[] {
  const names = all[0]?.drifts.map((drift) => drift.name) ?? [];
  return names.map((name, index) => ({
    name: `${name}: healed after`,
    cells: all.map(({ drifts }) => {
      const { ms = 0, calls = 0 } = drifts[index] ?? {};
      return { text: `${seconds(ms)}, ${calls} calls` };
    }),
  }));
}

export function callLines(all: readonly Measured[]): Line[] {
  const names = new Set(all.flatMap(({ resync }) => [...resync.calls.keys()]));
  return [...names].sort().map((name) => ({
    name: `  ${name}`,
    cells: all.map(({ resync }) => ({ text: String(resync.calls.get(name) ?? 0) })),
  }));
}

/** Of the HTTP server with many watches: one column, the number of watches. */
export function watchLines(load: WatchLoad, result: WatchResult): Line[] {
  const { faults, writes, p50Ms, p99Ms } = result;
  const pace = load.writesPerSecond;
  const line = (name: string, text: string): Line => ({ name, cells: [{ text }] });
  const told = (writes * load.watches).toLocaleString('en');
  const order = faults.length === 0 ? `0 of ${told}` : `${faults.length} watches, such as: ${faults[0]}`;
  return [
    { name: 'lost, repeated or reordered', target: '0', cells: [{ text: order, ok: faults.length === 0 }] },
    // Told and not judged: it is the machine's as much as ours, unlike what was lost.
    line('writes per second', `${result.writesPerSecond.toFixed(1)} of ${pace} for ${load.seconds} s`),
    line('write to watch, p50', `${p50Ms.toFixed(1)} ms`),
    line('write to watch, p99', `${p99Ms.toFixed(1)} ms`),
    ...costLines(result),
    line('CPU of the server per write', `${result.serverCpuMsPerWrite.toFixed(2)} ms`),
    line('heap per watch', `${(result.heapPerWatchBytes / 1024).toFixed(1)} KB`),
    line('RSS per watch', `${(result.rssPerWatchBytes / 1024).toFixed(1)} KB`),
  ];
}

/** So much longer than without watches, and no more, at 200 of them: a write is sent to each, a list to one. */
const MAX_READ_FACTOR = 2;
const MAX_WRITE_FACTOR = 10;

function costLines({ alone, watched }: WatchResult): Line[] {
  const judged = (what: string, most: number, before: number, now: number, isJudged: boolean): Line => ({
    name: what,
    ...(isJudged ? { target: `<= ${most} x without watches` } : {}),
    cells: [
      {
        text: `${now.toFixed(2)} / ${before.toFixed(2)} ms = ${(now / before).toFixed(2)}`,
        ...(isJudged ? { ok: now <= most * before } : {}),
      },
    ],
  });
  return [
    judged('list under the watches, wall', MAX_READ_FACTOR, alone.readMs, watched.readMs, true),
    judged('  CPU of the server', MAX_READ_FACTOR, alone.readCpuMs, watched.readCpuMs, false),
    judged('write under the watches, wall', MAX_WRITE_FACTOR, alone.writeMs, watched.writeMs, true),
    judged('  CPU of the server', MAX_WRITE_FACTOR, alone.writeCpuMs, watched.writeCpuMs, false),
  ];
}

function timing({ ms, path }: { ms: number; path: { totalMs: number } }): string {
  return `${seconds(ms)} / ${seconds(path.totalMs)} = ${(ms / path.totalMs).toFixed(2)}`;
}

export function verdictOf({ cells }: Line): 'ok' | 'MISS' | undefined {
  const judged = cells.filter((cell) => cell.ok !== undefined);
  if (judged.length === 0) return undefined;
  return judged.every((cell) => cell.ok) ? 'ok' : 'MISS';
}

export function table(title: string, counts: readonly number[], lines: readonly Line[]): string {
  const head = [title, ...counts.map((count) => `N=${count.toLocaleString('en')}`), 'target', ''];
  const rows = lines.map((line) => [
    line.name,
    ...line.cells.map(({ text, ok }) => (ok === false ? `${text} !` : text)),
    line.target ?? '',
    verdictOf(line) ?? '',
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
