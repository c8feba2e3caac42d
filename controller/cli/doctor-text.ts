import picocolors from 'picocolors';
import { type Examination, FINDING_GROUPS, type Finding, type Verdict } from '../api/finding.ts';
import { oneLine } from '../machinery/text.ts';
import { asProgram } from './failure.ts';
import type { ProgramName } from './io.ts';

export interface Examined extends Examination {
  /** `namespace/name` */
  readonly bastion: string;
}

export interface DoctorText {
  /** A terminal: marks and groups instead of one plain line for each check. */
  readonly isTTY: boolean;
  readonly color: boolean;
  /** Shows what was skipped too. */
  readonly all: boolean;
  readonly program: ProgramName;
}

const MARKS: Readonly<Record<Verdict, string>> = {
  ok: '✓',
  warning: '!',
  problem: '✗',
  unknown: '?',
  skipped: '-',
};

const ATTENTION: readonly Verdict[] = ['unknown', 'warning', 'problem'];

export function renderExamination({ bastion, region, findings }: Examined, how: DoctorText): string {
  const shown = findings.filter(({ verdict }) => how.all || verdict !== 'skipped');
  const width = Math.max(0, ...shown.map(({ check }) => check.length));
  const { bold } = picocolors.createColors(how.color);
  const head = `bastion ${bastion} in ${region}`;
  const lines = how.isTTY
    ? [bold(head), ...grouped(shown, width, how), ...toPutRight(shown, how)]
    : [head, ...shown.map((finding) => plainLine(finding, width, how))];
  return `${lines.join('\n')}\n${summary(findings, how.color)}\n`;
}

function grouped(findings: readonly Finding[], width: number, { color }: DoctorText): readonly string[] {
  const { bold } = picocolors.createColors(color);
  return FINDING_GROUPS.flatMap((group) => {
    const members = findings.filter((finding) => finding.group === group);
    if (members.length === 0) return [];
    const line = ({ check, verdict, found }: Finding) =>
      `  ${paint(verdict, color)(MARKS[verdict])} ${check.padEnd(width)}  ${oneLine(found)}`;
    return [bold(group), ...members.map(line)];
  });
}

/** The worst at the end, where the eye is. */
function toPutRight(findings: readonly Finding[], { color, program }: DoctorText): readonly string[] {
  const { bold } = picocolors.createColors(color);
  const lines = ATTENTION.flatMap((wanted) =>
    findings
      .filter(({ verdict }) => verdict === wanted)
      .flatMap(({ check, verdict, found, fix }) => [
        `  ${paint(verdict, color)(`${MARKS[verdict]} ${check}`)}: ${oneLine(found)}`,
        ...(fix === undefined ? [] : [`      ${asProgram(oneLine(fix), program)}`]),
      ]),
  );
  return lines.length > 0 ? ['', bold('To put right'), ...lines] : [];
}

function plainLine({ check, verdict, found, fix }: Finding, width: number, { program }: DoctorText): string {
  const text = `${verdict.padEnd(7)} ${check.padEnd(width)} ${oneLine(found)}`;
  return fix === undefined ? text : `${text} | fix: ${asProgram(oneLine(fix), program)}`;
}

export function countsOf(findings: readonly Finding[]): Readonly<Record<Verdict, number>> {
  const count = (wanted: Verdict) => findings.filter(({ verdict }) => verdict === wanted).length;
  return {
    ok: count('ok'),
    warning: count('warning'),
    problem: count('problem'),
    unknown: count('unknown'),
    skipped: count('skipped'),
  };
}

/** What was skipped is no check of this Bastion. */
function summary(findings: readonly Finding[], color: boolean): string {
  const { ok, warning, problem, unknown } = countsOf(findings);
  const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;
  const parts = [
    `${ok} ok`,
    ...(unknown > 0 ? [paint('unknown', color)(`${unknown} unknown`)] : []),
    ...(warning > 0 ? [paint('warning', color)(plural(warning, 'warning'))] : []),
    ...(problem > 0 ? [paint('problem', color)(plural(problem, 'problem'))] : []),
  ];
  return `${plural(ok + warning + problem + unknown, 'check')}: ${parts.join(', ')}`;
}

function paint(verdict: Verdict, color: boolean): (text: string) => string {
  const { green, yellow, red, cyan, dim } = picocolors.createColors(color);
  return { ok: green, warning: yellow, problem: red, unknown: cyan, skipped: dim }[verdict];
}
