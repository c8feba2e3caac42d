import picocolors from 'picocolors';
import type { Step } from '../core/plan.ts';
import { oneLine } from '../machinery/text.ts';
import type { PlanPreview, RegionPreview } from './connection.ts';

/** How a step counts for people; the two halves of a replacement are one. */
export type Effect = 'create' | 'change' | 'replace' | 'delete' | 'wait' | 'stopped' | 'unchanged';

const EFFECTS: Readonly<Record<Step['action'], Effect>> = {
  create: 'create',
  update: 'change',
  delete: 'delete',
  keep: 'unchanged',
  adopt: 'unchanged',
  wait: 'wait',
  blocked: 'stopped',
  withheld: 'stopped',
};

export function effectOf({ action, reason }: Step): Effect {
  return action === 'delete' && reason === 'replaced' ? 'replace' : EFFECTS[action];
}

const SIGNS: Readonly<Record<Effect, string>> = {
  create: '+',
  change: '~',
  replace: '-/+',
  delete: '-',
  wait: '.',
  stopped: '!',
  unchanged: ' ',
};

const LEGEND =
  '+ create, ~ change, -/+ replace, - delete, . wait for what is under way, ! held up; in brackets who needs it';

function countEffects({ regions }: PlanPreview): Readonly<Record<Effect, number>> {
  const counts = { create: 0, change: 0, replace: 0, delete: 0, wait: 0, stopped: 0, unchanged: 0 };
  for (const { steps } of regions) for (const step of steps) counts[effectOf(step)]++;
  return counts;
}

export function hasChanges(preview: PlanPreview): boolean {
  const counts = countEffects(preview);
  return counts.create + counts.change + counts.replace + counts.delete > 0;
}

/** What would be done, by region; unchanged resources are only counted. */
export function renderPlan(preview: PlanPreview, color: boolean): string {
  const isOne = new Set(preview.regions.map(({ accountId }) => accountId)).size <= 1;
  const regions = preview.regions
    .map((region) =>
      renderRegion(region, isOne ? region.region : `${region.accountId} ${region.region}`, color),
    )
    .filter((text) => text !== '');
  const verdict =
    hasChanges(preview) || isHeldUp(preview) ? '' : 'No changes. AWS has what the Bastions need.\n\n';
  const legend = regions.length === 0 ? '' : `${LEGEND}\n\n`;
  return `${legend}${regions.map((text) => `${text}\n`).join('')}${verdict}${summary(preview)}\n`;
}

function isHeldUp(preview: PlanPreview): boolean {
  const { wait, stopped } = countEffects(preview);
  const isUnsure = preview.regions.some(({ failures, problems }) => failures.length + problems.length > 0);
  return wait + stopped > 0 || isUnsure;
}

function renderRegion({ steps, failures, problems }: RegionPreview, title: string, color: boolean): string {
  const { bold, red } = picocolors.createColors(color);
  const held = steps.filter((step) => isHeldBy(step, problems));
  const shown = steps.filter((step) => effectOf(step) !== 'unchanged' && !held.includes(step));
  const lines = [
    ...failures.map((failure) => red(`  !   could not be read: ${oneLine(failure)}`)),
    ...problemTexts(problems, held).map((text) => red(`  !   ${text}`)),
    ...shown.map((step) => renderStep(step, color)),
  ];
  return lines.length === 0 ? '' : `${bold(`${title}:`)}\n${lines.join('\n')}\n`;
}

/** Held up by a problem of a Bastion that is told anyway. */
function isHeldBy({ action, why, owners }: Step, problems: RegionPreview['problems']): boolean {
  return (
    action === 'blocked' &&
    problems.some(({ bastion, message }) => message === why && owners.some((owner) => owner === bastion))
  );
}

/** One line for each, however many resources it holds up. */
function problemTexts(problems: RegionPreview['problems'], held: readonly Step[]): string[] {
  const told = new Set<string>();
  return problems.flatMap(({ bastion, reason, message }) => {
    const text = `bastion ${bastion}: ${reason}: ${oneLine(message)}`;
    if (told.has(text)) return [];
    told.add(text);
    const count = held.filter(
      ({ why, owners }) => why === message && owners.some((one) => one === bastion),
    ).length;
    return [
      count === 0 ? text : `${text} (${count} ${count === 1 ? 'resource waits' : 'resources wait'} for this)`,
    ];
  });
}

function renderStep(step: Step, color: boolean): string {
  const effect = effectOf(step);
  const sign = SIGNS[effect].padEnd(3);
  const id = step.observed && step.observed.id !== step.key ? ` (${step.observed.id})` : '';
  const held = effect === 'stopped' ? `${step.action}: ` : '';
  const owners = step.owners.length > 0 ? ` [${step.owners.join(', ')}]` : '';
  return painter(effect, color)(`  ${sign} ${step.key}${id}: ${held}${oneLine(step.why)}${owners}`);
}

function painter(effect: Effect, color: boolean): (text: string) => string {
  const { green, yellow, red, magenta, dim } = picocolors.createColors(color);
  const paints = {
    create: green,
    change: yellow,
    replace: magenta,
    delete: red,
    stopped: red,
    wait: dim,
    unchanged: dim,
  };
  return paints[effect];
}

/** `Plan: 7 to create, 1 to change, 0 to delete, 3 unchanged.` */
function summary(preview: PlanPreview): string {
  const counts = countEffects(preview);
  const parts = [
    `${counts.create} to create`,
    `${counts.change} to change`,
    ...(counts.replace > 0 ? [`${counts.replace} to replace`] : []),
    `${counts.delete} to delete`,
    ...(counts.wait > 0 ? [`${counts.wait} to wait for`] : []),
    ...(counts.stopped > 0 ? [`${counts.stopped} blocked or withheld`] : []),
    `${counts.unchanged} unchanged`,
  ];
  return `Plan: ${parts.join(', ')}.`;
}
