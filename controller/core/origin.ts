import { ANNOTATION, type Bastion, condition } from '../api/bastion.ts';
import { type GitSource, reasonOf, type SourceState } from '../api/git-source.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import type { Verdict } from './conditions.ts';
import type { Held } from './held.ts';
import { type Life, timeOf } from './lifetime.ts';

/** What is known of the git sources that Bastions come from. */
export interface Origins {
  /** As Bastions name them; left out where nobody knows the configuration. */
  readonly configured?: readonly string[] | undefined;
  readonly sources: readonly GitSource[];
}

export const NO_ORIGINS: Origins = { sources: [] };

/** One poll that fails is an accident, and no news to all the Bastions of a source. */
export const UNREACHABLE_GRACE_MS = 20_000;

export function sourceOf({ metadata }: Bastion): string | undefined {
  return metadata.annotations?.[ANNOTATION.source];
}

/** Its source is not configured any more: nobody sees whether its file is still there. */
export function isOrphan(bastion: Bastion, { configured, sources }: Origins): boolean {
  const source = sourceOf(bastion);
  if (source === undefined) return false;
  if (configured) return !configured.includes(source);
  return sources.some(({ spec, status }) => spec.source === source && status?.state === 'unconfigured');
}

/**
 * What is open stays open until the end that is on record, and not a second longer; nothing else opens: opening takes the source's
 * word, and nobody hears it.
 */
export function orphanLife({ status }: Bastion, life: Life, now: number): Life {
  if (life.state !== 'active' && life.state !== 'expired') return life;
  const [activatedAt, end] = [timeOf(status?.activatedAt), timeOf(status?.expiresAt)];
  // Whatever was to open meanwhile did not, and is not told as if it had.
  if (activatedAt === undefined || end === undefined) return { state: 'suspended' };
  const isOnRecord = life.activatedAt === activatedAt;
  const asked = life.state === 'active' ? life.expiresAt : life.expiredAt;
  const expiresAt = isOnRecord ? Math.min(end, asked) : end;
  const idle = life.state === 'expired' && isOnRecord && life.idleSince !== undefined;
  if (life.state === 'expired' || now >= expiresAt)
    return {
      ...{ state: 'expired', activatedAt, expiredAt: expiresAt },
      ...(idle && { idleSince: life.idleSince }),
    };
  return { ...life, activatedAt, expiresAt };
}

/** Those whose source is not configured any more, as held back: they are not deleted for it. */
export function heldOrphans(
  bastions: readonly Bastion[],
  origins: Origins,
): readonly (readonly [ObjectName, Held])[] {
  return bastions
    .filter((bastion) => isOrphan(bastion, origins))
    .map((bastion) => [objectName(bastion), orphanHeld(bastion)]);
}

function orphanHeld(bastion: Bastion): Held {
  const { name, namespace } = bastion.metadata;
  const message =
    `its git source ${sourceOf(bastion)} is not configured any more. It is not deleted for that, and ends by its TTL; nothing ` +
    `opens or is renewed. Configure the source again, or take it over: bastionctl release ${name} -n ${namespace}`;
  return { reason: 'SourceNotConfigured', message };
}

type Trouble = Exclude<SourceState, 'synced' | 'unconfigured'>;

const TROUBLES: Readonly<Record<Trouble, string>> = {
  unreachable: 'cannot be fetched or read',
  gone: 'has no such ref any more',
  emptied: 'holds no manifest any more',
  rewritten: 'had its history rewritten, and the file of this Bastion went missing',
  refused: 'holds more than is read of it',
  untrusted: 'holds a commit that is not trusted',
};

/** Whether a Bastion is as its git source says. It stays the same while nothing happens. Undefined: of no source, or not known yet. */
export function sourceVerdict(bastion: Bastion, origins: Origins, now: number): Verdict | undefined {
  const source = sourceOf(bastion);
  if (source === undefined) return undefined;
  const verdict = (status: Verdict['status'], reason: string, message: string): Verdict => {
    return { type: 'SourceSynced', status, reason, message };
  };
  if (isOrphan(bastion, origins))
    return verdict('Unknown', 'NotConfigured', `${source} is not configured any more`);
  const record = origins.sources.find(({ spec }) => spec.source === source);
  const { state, since = '', withheld = [] } = record?.status ?? {};
  const isBrief = state === 'unreachable' && now - Date.parse(since) < UNREACHABLE_GRACE_MS;
  if (!record || state === undefined || state === 'unconfigured' || isBrief) return before(bastion);
  const isOther = state === 'rewritten' && !withheld.includes(objectName(bastion));
  if (state !== 'synced' && !isOther) {
    const message = `${source} ${TROUBLES[state]}, since ${since}: what is committed there does not count here`;
    return verdict(
      'False',
      reasonOf(state),
      `${message}. bastionctl describe source ${record.metadata.name}`,
    );
  }
  return bastion.metadata.annotations?.[ANNOTATION.sourceError] === undefined
    ? verdict('True', 'Synced', `as ${source} says`)
    : verdict('False', 'StaleManifest', `what ${source} says now is not in force: see Accepted`);
}

function before(bastion: Bastion): Verdict | undefined {
  const known = condition(bastion, 'SourceSynced');
  return known && { type: known.type, status: known.status, reason: known.reason, message: known.message };
}
