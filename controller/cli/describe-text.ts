import { ANNOTATION, type Bastion, type BastionStatus } from '../api/bastion.ts';
import { lastSeen } from '../api/columns.ts';
import { suspensionText } from '../api/suspension.ts';
import { databaseOf, sourceOf, targetsOf } from '../api/target.ts';
import type { KubeEvent } from '../machinery/event.ts';
import { ageOf } from '../machinery/relative-time.ts';
import { oneLine } from '../machinery/text.ts';
import { phasePainter } from './columns.ts';
import { connectLines } from './connect/text.ts';
import type { ProgramName } from './io.ts';
import { createTable } from './table.ts';
import { timeWithDistance } from './time-text.ts';

type Entry = readonly [label: string, value: string | undefined, paint?: (text: string) => string];

/** Holds the longest label, `Session target:`, in a section. */
const LABEL_WIDTH = 17;

export interface DescribeOptions {
  readonly now: number;
  readonly color: boolean;
  readonly program: ProgramName;
}

export function describeBastion(
  bastion: Bastion,
  events: readonly KubeEvent[],
  options: DescribeOptions,
): string {
  return [
    ...entries([
      ['Name', bastion.metadata.name],
      ['Namespace', bastion.metadata.namespace],
    ]),
    ...mapLines('Labels', bastion.metadata.labels),
    ...mapLines('Annotations', shownAnnotations(bastion)),
    ...entries(lifeEntries(bastion, options.now)),
    ...section('Spec', specEntries(bastion)),
    ...targetLines(bastion),
    ...section('Status', statusEntries(bastion, options)),
    ...table(
      'Conditions',
      ['Type', 'Status', 'Reason', 'Age', 'Message'],
      conditionRows(bastion, options.now),
    ),
    ...table('Resources', ['Resource', 'State', 'Shared', 'Id', 'Message'], resourceRows(bastion)),
    ...connectSection(bastion, options.program),
    ...section('Source', sourceEntries(bastion)),
    ...table('Events', ['Type', 'Reason', 'Age', 'From', 'Message'], eventRows(events, options.now), true),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

export function entries(list: readonly Entry[], indent = ''): string[] {
  return list.flatMap(([label, value, paint = String]) => {
    if (value === undefined || value === '') return [];
    return [`${indent}${`${label}:`.padEnd(LABEL_WIDTH - indent.length)} ${paint(oneLine(value))}`];
  });
}

function section(title: string, list: readonly Entry[]): string[] {
  const lines = entries(list, '  ');
  return lines.length === 0 ? [] : [`${title}:`, ...lines];
}

function mapLines(title: string, map: Readonly<Record<string, string>> = {}): string[] {
  const pairs = Object.entries(map).map(([key, value]) => oneLine(`${key}=${value}`));
  const label = `${title}:`.padEnd(LABEL_WIDTH);
  if (pairs.length === 0) return [`${label} <none>`];
  return pairs.map((pair, index) => `${index === 0 ? label : ' '.repeat(LABEL_WIDTH)} ${pair}`);
}

/** What has a section of its own, or repeats the manifest, is left out. */
function shownAnnotations({ metadata: { annotations = {} } }: Bastion): Record<string, string> {
  const hidden: readonly string[] = [
    ...[ANNOTATION.lastApplied, ANNOTATION.source, ANNOTATION.sourcePath],
    ...[ANNOTATION.sourceCommit, ANNOTATION.sourceAuthor, ANNOTATION.sourceError],
    ...[ANNOTATION.sourceDigest, ANNOTATION.suspendedBy, ANNOTATION.suspendedAt],
  ];
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !hidden.includes(key)));
}

function lifeEntries({ metadata: { creationTimestamp, deletionTimestamp } }: Bastion, now: number): Entry[] {
  return [
    ['Created', timeWithDistance(creationTimestamp, now)],
    ['Deleted', deletionTimestamp && `${timeWithDistance(deletionTimestamp, now)}, waiting for the teardown`],
  ];
}

function specEntries(bastion: Bastion): Entry[] {
  const { spec } = bastion;
  const { network, task, access, schedule } = spec;
  const issuer = access.activation ? ` (activation by the ${access.activation.issuer.toLowerCase()})` : '';
  return [
    ['TTL', spec.ttl],
    ['Idle timeout', spec.idleTimeout],
    ['Reason', spec.reason],
    ['Suspended', spec.suspend ? `yes${suspensionText(bastion)}` : undefined],
    ['Schedule', schedule && `${schedule.cron} (${schedule.timeZone})`],
    ['Transport', access.transport + issuer],
    ['Account', spec.account],
    ['Region', spec.region],
    ['VPC', network.vpcId],
    ['Subnets', network.subnetIds.join(', ')],
    ['Network path', network.path],
    ['Task', `${task.architecture}, ${task.cpu} CPU units, ${task.memory} MiB`],
    ['Image', task.image],
  ];
}

/** Where each is; and as what, and why not more is known, where a database is named. */
function targetLines(bastion: Bastion): string[] {
  const { spec, status } = bastion;
  const known = new Map(targetsOf(bastion).map((target) => [target.name, target]));
  const byName = spec.targets.some((target) => databaseOf(target));
  const rows = spec.targets.map((target) => {
    const { host, port, securityGroupId = target.securityGroupId ?? '<none>' } = known.get(target.name) ?? {};
    const address = host === undefined ? '<unknown>' : `${host}:${port}`;
    const database = databaseOf(target) ? sourceOf(target) : '<none>';
    return [target.name, address, securityGroupId, ...(byName ? [database] : [])];
  });
  const columns = ['Name', 'Address', 'Opened on', ...(byName ? ['Database'] : [])];
  const notes = (status?.targets ?? []).flatMap(({ name, message }) =>
    message === undefined ? [] : [`  ${name}: ${oneLine(message)}`],
  );
  return [...table('Targets', columns, rows), ...notes];
}

function statusEntries({ spec, status, metadata }: Bastion, { now, color }: DescribeOptions): Entry[] {
  if (!status) return [['Phase', 'Pending (no controller has looked at it yet)']];
  const { phase = 'Pending', activatedAt, expiresAt, nextActivationAt, networkPath, sessionTarget } = status;
  const isBehind = status.observedGeneration !== undefined && status.observedGeneration < metadata.generation;
  return [
    ['Phase', phase + (isBehind ? ' (of the spec before the last change)' : ''), phasePainter(color)(phase)],
    ['Activated', activatedAt && timeWithDistance(activatedAt, now)],
    ['Expires', expiresAt && timeWithDistance(expiresAt, now)],
    ['Idle since', idleEntry(status, now)],
    ['Opens next', nextActivationAt && timeWithDistance(nextActivationAt, now)],
    [
      'Network path',
      networkPath && (spec.network.path === 'Auto' ? `${networkPath} (chosen by Auto)` : networkPath),
    ],
    ['Session target', sessionTarget],
    ['Last stop', status.task?.lastStoppedReason],
  ];
}

function idleEntry({ idle }: BastionStatus, now: number): string | undefined {
  return idle && timeWithDistance(idle.since, now) + (idle.endedAt === undefined ? '' : ', which ended it');
}

function conditionRows({ status }: Bastion, now: number): string[][] {
  return (status?.conditions ?? []).map(({ type, status: value, reason, message, lastTransitionTime }) => {
    return [type, value, reason, ageOf(lastTransitionTime, now), message];
  });
}

function resourceRows({ status }: Bastion): string[][] {
  return (status?.resources ?? []).map(({ key, id = '<none>', state, shared, adopted, message = '' }) => {
    const ownership = adopted ? 'adopted' : shared ? 'shared' : 'own';
    return [key, state, ownership, shortId(id), message];
  });
}

/** An ARN without what all of one account and region have in common. */
function shortId(id: string): string {
  return id.startsWith('arn:') ? id.split(':').slice(5).join(':') : id;
}

function connectSection(bastion: Bastion, program: ProgramName): string[] {
  const lines = connectLines(bastion, program).flatMap(({ label, command }) => [
    `  ${label}:`,
    `    ${command}`,
  ]);
  return lines.length === 0 ? [] : ['Connect:', ...lines];
}

function sourceEntries({ metadata: { annotations = {} } }: Bastion): Entry[] {
  return [
    ['Git', annotations[ANNOTATION.source]],
    ['Path', annotations[ANNOTATION.sourcePath]],
    ['Commit', annotations[ANNOTATION.sourceCommit]],
    ['Author', annotations[ANNOTATION.sourceAuthor]],
    ['Not in force', annotations[ANNOTATION.sourceError]],
  ];
}

export function eventRows(events: readonly KubeEvent[], now: number): string[][] {
  return events.map((event) => {
    const { type, reason, source, message } = event;
    return [type, reason, lastSeen(event, now), source.component, message];
  });
}

export function table(
  title: string,
  headers: readonly string[],
  rows: readonly string[][],
  always = false,
): string[] {
  if (rows.length === 0) return always ? [`${`${title}:`.padEnd(LABEL_WIDTH)} <none>`] : [];
  const underlines = headers.map((header) => '-'.repeat(header.length));
  const cells = [underlines, ...rows].map((row) => row.map((text) => ({ text: oneLine(text) })));
  const text = createTable(headers).format(cells);
  return [
    `${title}:`,
    ...text
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ];
}
