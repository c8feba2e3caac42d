import picocolors from 'picocolors';
import { type Change, type FoundationStep, nameOf, type RemovalStep } from '../core/foundation.ts';
import { isRecord } from '../machinery/json.ts';
import type { Foundation } from './foundation.ts';

type Action = FoundationStep['action'] | RemovalStep['action'];
type Place = Pick<Foundation, 'accountId' | 'region'>;

const SIGNS: Readonly<Record<Action, string>> = {
  create: '+',
  change: '~',
  unchanged: '=',
  refuse: '!',
  delete: '-',
  keep: '=',
  absent: ' ',
};

const COUNTED: Readonly<Record<Action, string>> = {
  create: 'to create',
  change: 'to change',
  unchanged: 'unchanged',
  refuse: 'in the way',
  delete: 'to delete',
  keep: 'kept',
  absent: 'gone already',
};

export function renderSteps(
  steps: readonly (FoundationStep | RemovalStep)[],
  { accountId, region }: Place,
  color: boolean,
): string {
  const { bold } = picocolors.createColors(color);
  const lines = steps.map((step) => renderStep(step, color));
  return `${bold(`account ${accountId}, ${region}:`)}\n${lines.join('\n')}\n\n${summary(steps)}\n`;
}

function renderStep(step: FoundationStep | RemovalStep, color: boolean): string {
  const { green, yellow, red, dim } = picocolors.createColors(color);
  const paints = { create: green, change: yellow, refuse: red, delete: red };
  const paint = { ...paints, unchanged: dim, keep: dim, absent: dim }[step.action];
  const why = step.why === '' ? '' : `: ${step.why}`;
  const changes = 'changes' in step ? step.changes.map((change) => `\n      ${describeChange(change)}`) : [];
  return paint(`  ${SIGNS[step.action]} ${nameOf(step.object)}${why}${changes.join('')}`);
}

/** `Plan: 3 to create, 1 unchanged.` */
function summary(steps: readonly (FoundationStep | RemovalStep)[]): string {
  const counts = new Map<Action, number>();
  for (const { action } of steps) counts.set(action, (counts.get(action) ?? 0) + 1);
  return `Plan: ${[...counts].map(([action, count]) => `${count} ${COUNTED[action]}`).join(', ')}.`;
}

function describeChange({ property, found, wanted }: Change): string {
  if (found === undefined) return `${property}: missing`;
  if (isRecord(found) && isRecord(wanted)) return `${property}: ${describeStatements(found, wanted)}`;
  return `${property}: ${plain(found)} -> ${plain(wanted)}`;
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Which statements of a policy differ, by their Sid. */
function describeStatements(
  found: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): string {
  const [before, after] = [statementsOf(found), statementsOf(wanted)];
  const names = (wantedOnes: readonly string[], how: string) =>
    wantedOnes.length === 0 ? [] : [`${wantedOnes.join(', ')} ${how}`];
  const missing = [...after.keys()].filter((name) => !before.has(name));
  const foreign = [...before.keys()].filter((name) => !after.has(name));
  const other = [...after].filter(([name, text]) => before.has(name) && before.get(name) !== text);
  const parts = [
    ...names(missing, 'missing'),
    ...names(foreign, 'to go'),
    ...names(
      other.map(([name]) => name),
      'to change',
    ),
  ];
  return parts.length === 0 ? 'another document' : parts.join('; ');
}

function statementsOf({ Statement }: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const statements = [Statement].flat().filter(isRecord);
  return new Map(
    statements.map((statement, index) => [
      String(statement['Sid'] ?? `statement ${index + 1}`),
      JSON.stringify(statement),
    ]),
  );
}
