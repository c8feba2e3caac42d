import type { Bastion } from '../../../controller/api/bastion.ts';
import { objectName } from '../../../controller/machinery/object.ts';
import { endOf } from '../life-model.ts';
import type { OracleFactory } from '../oracle.ts';

const GRACE_MS = 60_000;
/** As long as nothing has gone wrong: one pass, and not the next resync. */
const CALM_GRACE_MS = 25_000;
/** A step that failed is tried again after 30 s at the latest, another replica takes over after 25. */
const RECOVERY_MS = 90_000;
const ENTRANCES = ['target-ingress', 'task', 'session'];

/** Nobody gets in without an active Bastion: grants, tasks and sessions end within a minute of it. */
export const noOpenDoor: OracleFactory = ({
  now,
  behindMs,
  bastions,
  things,
  troubledUntil,
  excusedUntil,
  forgotten,
  violate,
}) => {
  const decidedAt = new Map<string, number>();
  /** A spec that shortens a life to before now ends it now. */
  const changedAt = new Map<string, number>();
  /** When each activation came to be on record, where a clock may be behind: its end on record may be over from the start. */
  const openedAt = new Map<string, { readonly mark: string; readonly at: number }>();
  /** Gone, deleted and suspended are decisions: they count from when they are seen. A TTL counts from the record. */
  const endedAt = (name: string): number | undefined => {
    const bastion = bastions.get(name);
    if (bastion && !isDecided(bastion)) {
      decidedAt.delete(name);
      const end = endOf(bastion);
      return end === undefined ? undefined : Math.max(end, changedAt.get(name) ?? end, trueEnd(bastion, end));
    }
    const since = decidedAt.get(name) ?? now();
    decidedAt.set(name, since);
    return since;
  };
  /** What is on record counts from a clock that was behind. */
  const trueEnd = (bastion: Bastion, end: number): number => {
    const activatedAt = Date.parse(bastion.status?.activatedAt ?? '');
    const opened = openedAt.get(objectName(bastion));
    return behindMs() > 0 && opened ? opened.at + end - activatedAt : end;
  };
  return {
    name: 'no-open-door',
    onBastion: (next, before) => {
      const mark = next?.status?.activatedAt;
      if (next && mark !== undefined && openedAt.get(objectName(next))?.mark !== mark)
        openedAt.set(objectName(next), { mark, at: now() });
      if (next && before && next.metadata.generation !== before.metadata.generation)
        changedAt.set(objectName(next), now());
    },
    onTick: () => {
      for (const { kind, id, owner, isOurs, isLive } of ['ec2', 'ecs', 'ssm'].flatMap(things)) {
        if (!isOurs || !isLive || owner === undefined || !ENTRANCES.includes(kind)) continue;
        // Its end went with the store: AWS itself ends it.
        if (forgotten.has(id) && !bastions.has(owner)) continue;
        const end = endedAt(owner);
        if (end === undefined) continue;
        const calm = excusedUntil();
        const graceMs = troubledUntil() === 0 ? CALM_GRACE_MS : GRACE_MS;
        const latest = Math.max(end + graceMs, calm === 0 ? 0 : calm + GRACE_MS + RECOVERY_MS);
        if (now() > latest) {
          const late = Math.round((now() - end) / 1000);
          violate('no-open-door', `${kind} ${id} of ${owner} is open ${late} s after its end`);
        }
      }
    },
  };
};

function isDecided(bastion: Bastion): boolean {
  return bastion.metadata.deletionTimestamp !== undefined || bastion.spec.suspend === true;
}
