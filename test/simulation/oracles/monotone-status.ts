import { ANNOTATION, type Bastion } from '../../../controller/api/bastion.ts';
import { SETTINGS } from '../../reconcile/harness.ts';
import { endOf } from '../life-model.ts';
import type { OracleFactory } from '../oracle.ts';

/** Longer than a call is under way. */
const MOMENT_MS = 60_000;

/** A status never goes back: generations and transition times only rise, and a start is fixed once for each activation. */
export const monotoneStatus: OracleFactory = ({ now, skewMs, behindMs, wasForged, violate }) => ({
  name: 'monotone-status',
  onBastion: (next, before) => {
    if (!next || before?.metadata.uid !== next.metadata.uid || wasForged(next.metadata.name)) return;
    const say = (what: string) => violate('monotone-status', `${next.metadata.name}: ${what}`);
    if ((next.status?.observedGeneration ?? 0) < (before.status?.observedGeneration ?? 0)) {
      say(`observedGeneration ${before.status?.observedGeneration} -> ${next.status?.observedGeneration}`);
    }
    if ((next.status?.observedGeneration ?? 0) > next.metadata.generation) say('observedGeneration is ahead');
    if (next.metadata.generation < before.metadata.generation) say('generation went back');
    checkTransitions(next, before, { now: now(), wrongMs: Math.max(skewMs(), behindMs()) }, say);
    checkStart(next, before, now(), say);
    checkEnd(next, say);
  },
});

function checkTransitions(
  next: Bastion,
  before: Bastion,
  { now, wrongMs }: { readonly now: number; readonly wrongMs: number },
  say: (what: string) => void,
): void {
  const earlier = new Map(before.status?.conditions?.map((one) => [one.type, one]));
  for (const condition of next.status?.conditions ?? []) {
    const was = earlier.get(condition.type);
    if (!was) continue;
    const moved = was.lastTransitionTime !== condition.lastTransitionTime;
    if (condition.lastTransitionTime < was.lastTransitionTime) say(`${condition.type} changed in the past`);
    if (moved && was.status === condition.status) say(`${condition.type} has a new time for the same status`);
    // Times are whole seconds: two changes within one have the same.
    const isNew = Math.abs(now - Date.parse(condition.lastTransitionTime)) < MOMENT_MS + wrongMs;
    if (!moved && !isNew && was.status !== condition.status)
      say(`${condition.type} changed without a new time`);
  }
}

function checkStart(next: Bastion, before: Bastion, now: number, say: (what: string) => void): void {
  const from = before.status?.activatedAt;
  const to = next.status?.activatedAt;
  if (from === undefined || to === undefined || from === to) return;
  // A schedule that is new to it counts from its last firing, which may be earlier.
  const isRescheduled =
    next.spec.schedule !== undefined && next.metadata.generation !== before.status?.observedGeneration;
  if (to < from && !isRescheduled) say(`activatedAt went back from ${from} to ${to}`);
  const isNew =
    before.spec.suspend === true ||
    next.spec.schedule !== undefined ||
    before.status?.phase === 'Suspended' ||
    before.status?.phase === 'Expired' ||
    renewedAfterEnd(next, before) ||
    next.metadata.generation !== before.status?.observedGeneration;
  if (!isNew)
    say(`activatedAt moved from ${from} to ${to} within one activation, at ${new Date(now).toISOString()}`);
}

/** However often it is renewed. */
function checkEnd({ status }: Bastion, say: (what: string) => void): void {
  const { activatedAt, expiresAt } = status ?? {};
  if (activatedAt === undefined || expiresAt === undefined) return;
  if (Date.parse(expiresAt) - Date.parse(activatedAt) > SETTINGS.maxTtlMs)
    say(`open from ${activatedAt} to ${expiresAt} is longer than the longest life`);
}

/** A renewal that came after the end opens anew. */
function renewedAfterEnd(next: Bastion, before: Bastion): boolean {
  const renewedAt = next.metadata.annotations?.[ANNOTATION.renewedAt];
  const unrenewed = { ...before, metadata: { ...before.metadata, annotations: {} } };
  const end = endOf(unrenewed);
  return renewedAt !== undefined && end !== undefined && Date.parse(renewedAt) >= end;
}
