import { ANNOTATION, type Bastion } from '../api/bastion.ts';
import type { GitSource } from '../api/git-source.ts';
import type { KubeEvent } from '../machinery/event.ts';
import { objectName } from '../machinery/object.ts';
import { oneLine } from '../machinery/text.ts';
import { entries, eventRows, table } from './describe-text.ts';
import { timeWithDistance } from './time-text.ts';

export interface Surroundings {
  /** All there are. */
  readonly bastions: readonly Bastion[];
  /** Of the source. */
  readonly events: readonly KubeEvent[];
  readonly now: number;
}

export function describeSource(
  { metadata, spec, status }: GitSource,
  { bastions, events, now }: Surroundings,
): string {
  const timeOf = (time: string | undefined) => time && timeWithDistance(time, now);
  const own = bastions.filter((one) => one.metadata.annotations?.[ANNOTATION.source] === spec.source);
  const { problems = [], problemCount = problems.length } = status ?? {};
  const hidden = problemCount - problems.length;
  return [
    ...entries([
      ['Name', metadata.name],
      ['Namespace', metadata.namespace],
      ['Source', spec.source],
      ['State', status?.state],
      ['Since', timeOf(status?.since)],
      ['Message', status?.message],
      ['Commit', status?.commit],
      ['In force since', timeOf(status?.lastSyncedAt)],
      ['Last success', timeOf(status?.lastSuccessAt)],
      ['Trusted commit', status?.trustedCommit],
    ]),
    ...list('Bastions', own.map(objectName)),
    ...list('Withheld', status?.withheld ?? []),
    ...list('Problems', [
      ...problems.map(({ path, message }) => (path === undefined ? message : `${path}: ${message}`)),
      ...(hidden > 0 ? [`and ${hidden} more`] : []),
    ]),
    ...table('Events', ['Type', 'Reason', 'Age', 'From', 'Message'], eventRows(events, now), true),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function list(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`${title}:`, ...items.map((item) => `  ${oneLine(item)}`)];
}
