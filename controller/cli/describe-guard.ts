import { ANNOTATION } from '../api/bastion.ts';
import { type Guard, trippedCondition } from '../api/guard.ts';
import type { KubeEvent } from '../machinery/event.ts';
import { oneLine } from '../machinery/text.ts';
import { entries, eventRows, table } from './describe-text.ts';
import type { ProgramName } from './io.ts';
import { timeWithDistance } from './time-text.ts';

export function describeGuard(
  guard: Guard,
  events: readonly KubeEvent[],
  { now, program }: { readonly now: number; readonly program: ProgramName },
): string {
  const { metadata, status } = guard;
  const { status: tripped = 'Unknown', reason, message, lastTransitionTime } = trippedCondition(guard) ?? {};
  const { token, confirmation } = status ?? {};
  return [
    ...entries([
      ['Name', metadata.name],
      ['Namespace', metadata.namespace],
      ['Tripped', tripped],
      ['Reason', reason],
      ['Since', lastTransitionTime && timeWithDistance(lastTransitionTime, now)],
      ['Message', message],
      [
        'Confirmed',
        confirmation &&
          `${confirmation.token} by ${confirmation.by}, ${timeWithDistance(confirmation.at, now)}`,
      ],
    ]),
    ...withheldLines(guard),
    ...(token !== undefined && tripped === 'True' ? confirmLines(guard, token, program) : []),
    ...table('Events', ['Type', 'Reason', 'Age', 'From', 'Message'], eventRows(events, now), true),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** What is withheld, and what becomes of it when that is confirmed. */
export function withheldLines({ status }: Guard): string[] {
  const { withheld = [], more = 0, effect } = status ?? {};
  if (withheld.length === 0) return [];
  return [
    'Withheld:',
    ...withheld.map((one) => `  ${oneLine(one)}`),
    ...(more > 0 ? [`  and ${more} more, which need a confirmation of their own afterwards`] : []),
    ...(effect === undefined ? [] : ['When that is confirmed:', `  ${oneLine(effect)}`]),
  ];
}

function confirmLines(
  { metadata: { name, namespace } }: Guard,
  token: string,
  program: ProgramName,
): string[] {
  return [
    'Confirm:',
    `  ${program} confirm ${name} --token=${token}`,
    `  kubectl annotate guard ${name} -n ${namespace} --overwrite ${ANNOTATION.confirm}=${token}`,
  ];
}
