import { reasonOf } from '../api/git-source.ts';
import { confirmHint } from '../api/guard.ts';
import type { EventDraft } from '../machinery/event.ts';
import type { ObjectName } from '../machinery/object.ts';
import type { GitSpec } from './git-spec.ts';
import type { SourceMemory } from './memory.ts';
import { sourceGuardName } from './source-guard.ts';
import type { SourceState } from './source-record.ts';

/** Why a source was not even read. */
export function explain(state: SourceState, { display, ref }: GitSpec): string {
  if (state === 'gone') return `${display}: there is no ref "${ref}" any more, or not yet.`;
  return state === 'refused'
    ? `${display} was not read.`
    : `${display} cannot be fetched. Check the address and the login.`;
}

/** What becomes of a source is told once, when it comes to be in another state. */
export function eventOf(state: SourceState, message: string): EventDraft {
  return { type: state === 'synced' ? 'Normal' : 'Warning', reason: reasonOf(state), message };
}

/** @param why ends with what to do */
export function untrustedText({ display }: GitSpec, inForce: string | undefined, why: string): string {
  const stays = inForce === undefined ? 'is not applied' : `stays at ${inForce.slice(0, 12)}`;
  return `${display} ${stays}: ${why} Until then nothing of it is applied, changed or deleted.`;
}

export interface Standing {
  readonly declared: number;
  readonly problems: number;
  readonly withheld: readonly ObjectName[];
  readonly removed: readonly string[];
  readonly doubted: readonly string[];
}

export function describe(
  spec: GitSpec,
  { declared, problems, withheld, removed, doubted }: Standing,
): string {
  const parts = [
    `${declared} ${declared === 1 ? 'Bastion' : 'Bastions'} declared`,
    ...(problems > 0 ? [`${problems} ${problems === 1 ? 'problem' : 'problems'}`] : []),
    ...(removed.length > 0 ? [`deleted by hand: ${shortList(removed)}`] : []),
    ...(doubted.length > 0 ? [`in doubt and kept: ${shortList(doubted)}`] : []),
    ...(withheld.length > 0 ? [`history was rewritten; not deleted: ${withheld.join(', ')}`] : []),
  ];
  const hint = withheld.length > 0 ? ` ${confirmHint(sourceGuardName(spec))}` : '';
  return `${parts.join('; ')}.${hint}`;
}

/** Undefined when all was remembered. */
export function memoryText(applied: Pick<SourceMemory, 'known'>, memory: SourceMemory): string | undefined {
  if (Object.keys(memory.known).length === Object.keys(applied.known).length) return undefined;
  return (
    'This source has more Bastions than can be remembered: one that is deleted by hand while no controller looks is ' +
    'made again. Split the source by paths.'
  );
}

const SHOWN = 10;

function shortList(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}`;
}
