import type { Bastion } from '../../../controller/api/bastion.ts';
import { ANNOTATION } from '../../../controller/api/bastion.ts';
import { objectName } from '../../../controller/machinery/object.ts';
import { durationMs } from '../life-model.ts';
import type { OracleFactory } from '../oracle.ts';

/** Changes do not show for that long here. */
const SEEN_MS = 5_000;
/** Until a resync sees that a session has ended, and a second look that nobody has come. */
const NOTICE_MS = 3 * 60_000;

/** No Bastion that somebody uses ends for being idle, and one that nobody uses ends in time. */
export const idleEnd: OracleFactory = ({
  now,
  things,
  bastions,
  troubledUntil,
  skewMs,
  wasMisled,
  violate,
}) => {
  /** When it came to be Ready in its activation, got another target, or was changed, by name. */
  const beganAt = new Map<string, { readonly mark: string; readonly at: number }>();
  const openAt = new Map<string, number>();
  const firstSeen = new Map<string, number>();
  const sessionsOf = (owner: string) =>
    things('ssm').filter((one) => one.kind === 'session' && one.isOurs && one.owner === owner);
  const note = (bastion: Bastion) => {
    const { status, metadata } = bastion;
    if (status?.phase !== 'Ready') return;
    const mark = [status.activatedAt, status.sessionTarget, metadata.generation].join(' ');
    if (beganAt.get(objectName(bastion))?.mark !== mark)
      beganAt.set(objectName(bastion), { mark, at: now() });
  };
  /** By what is known for sure: nobody has used it for longer than since then. */
  const usedAt = (bastion: Bastion) => {
    const name = objectName(bastion);
    const renewedAt = Date.parse(bastion.metadata.annotations?.[ANNOTATION.renewedAt] ?? '') || 0;
    const began = beganAt.get(name);
    const isThisLife = began?.mark.startsWith(`${bastion.status?.activatedAt} `);
    return isThisLife ? Math.max(began?.at ?? 0, openAt.get(name) ?? 0, renewedAt) : undefined;
  };
  return {
    name: 'idle-end',
    onBastion: (next, before) => {
      if (!next) return;
      const { endedAt } = next.status?.idle ?? {};
      const isNew = endedAt !== undefined && before?.status?.idle?.endedAt !== endedAt;
      const timeoutMs = durationMs(next.spec.idleTimeout ?? '');
      if (isNew && !wasMisled()) {
        const say = (what: string) =>
          violate('idle-end', `${next.metadata.name} ends for being idle, ${what}`);
        const open = sessionsOf(objectName(next)).find(
          ({ id }) => now() - (firstSeen.get(id) ?? now()) > SEEN_MS,
        );
        if (open) say(`and ${open.id} is open`);
        const since = usedAt(next);
        if (since === undefined) say('and never was Ready in this activation');
        else if (now() + skewMs() + SEEN_MS < since + timeoutMs)
          say(`${(now() - since) / 1000} s after its last use`);
      }
      note(next);
    },
    onTick: () => {
      for (const { id } of things('ssm')) if (!firstSeen.has(id)) firstSeen.set(id, now());
      for (const [name, bastion] of bastions) {
        if (sessionsOf(name).length > 0) openAt.set(name, now());
        const { spec, status, metadata } = bastion;
        const since = usedAt(bastion);
        const isOpen = status?.phase === 'Ready' && status.observedGeneration === metadata.generation;
        if (spec.idleTimeout === undefined || !isOpen || since === undefined) continue;
        const latest = Math.max(since, troubledUntil()) + durationMs(spec.idleTimeout) + NOTICE_MS;
        if (now() > latest) violate('idle-end', `${name} is open and idle for ${(now() - since) / 1000} s`);
      }
    },
  };
};
