import pc from 'picocolors';
import type { Bastion } from '../api/bastion.ts';
import { formatAge } from '../machinery/duration.ts';
import { visibleData } from '../machinery/text.ts';
import { clip } from './clip.ts';
import type { Scene } from './story.ts';

export interface Terminal {
  readonly isTTY: boolean;
  /** Asked at each drawing: a window changes its size. */
  readonly columns?: () => number | undefined;
  readonly write: (text: string) => void;
}

/** A table that updates in place on a terminal; elsewhere a plain line whenever something changed. */
export function createScreen(terminal: Terminal, startedAt: number) {
  const said = new Map<string, string>();
  let drawnLines = 0;
  const draw = (scene: Scene, now: number) => {
    // A line that wraps would take more rows than the next drawing goes up.
    const columns = (terminal.columns?.() ?? 80) - 1;
    const lines = tableOf(scene, now, startedAt).map((line) => clip(line, columns));
    // Up over the last drawing, and clear from there to the end of the screen.
    terminal.write(`${drawnLines > 0 ? `\u001b[${drawnLines}A\u001b[0J` : ''}${lines.join('\n')}\n`);
    drawnLines = lines.length;
  };
  const tell = ({ bastions }: Scene, now: number) => {
    for (const bastion of bastions) {
      const line = lineOf(bastion);
      if (said.get(bastion.metadata.name) === line) continue;
      said.set(bastion.metadata.name, line);
      terminal.write(`${clockText(now - startedAt)}  ${line}\n`);
    }
  };
  return {
    show: (scene: Scene, now: number) => (terminal.isTTY ? draw(scene, now) : tell(scene, now)),
    /** A line that stays. */
    say: (text: string) => {
      drawnLines = 0;
      terminal.write(`${text}\n`);
    },
  };
}

function lineOf(bastion: Bastion): string {
  const { metadata, spec, status } = visibleData(bastion);
  const ready = status?.conditions?.find((one) => one.type === 'Ready');
  const detail =
    status?.phase === 'Ready' ? status.sessionTarget : status?.phase === 'Expired' ? '' : ready?.reason;
  return `${metadata.name.padEnd(8)} ${(status?.phase ?? 'Pending').padEnd(12)} ${spec.access.transport} ${detail ?? ''}`.trimEnd();
}

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  Ready: pc.green,
  Provisioning: pc.yellow,
  Terminating: pc.magenta,
  Degraded: pc.red,
  Failed: pc.red,
  Expired: pc.dim,
};

function tableOf({ bastions, owned }: Scene, now: number, startedAt: number): string[] {
  const header = pc.dim(
    `  ${'NAME'.padEnd(10)}${'PHASE'.padEnd(14)}${'TRANSPORT'.padEnd(18)}${'EXPIRES IN'.padEnd(12)}RESOURCES`,
  );
  const rows = bastions.map(visibleData).map(({ metadata, spec, status }) => {
    const phase = status?.phase ?? 'Pending';
    const paint = COLOURS[phase] ?? ((text: string) => text);
    const left = status?.expiresAt ? Date.parse(status.expiresAt) - now : 0;
    const resources = status?.resources ?? [];
    const ready = resources.filter((one) => one.state === 'Ready' || one.state === 'Adopted').length;
    const count = resources.length > 0 ? `${ready}/${resources.length}` : '-';
    return `  ${metadata.name.padEnd(10)}${paint(phase.padEnd(14))}${spec.access.transport.padEnd(18)}${(left > 0 ? formatAge(left) : '-').padEnd(12)}${count}`;
  });
  const kinds = new Map<string, number>();
  for (const { kind } of owned) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const counts = [...kinds]
    .sort()
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');
  return [
    `  simulated time ${clockText(now - startedAt)}`,
    header,
    ...rows,
    pc.dim(`  in AWS: ${counts || 'nothing'}`),
  ];
}

function clockText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}
