import { type Bastion, condition } from '../../../controller/api/bastion.ts';
import { objectName } from '../../../controller/machinery/object.ts';
import type { OracleFactory } from '../oracle.ts';

/** What is promised of an end with nobody alive. */
const GRACE_MS = 120_000;
/** Of the container's own timer, which needs nobody either. */
const TIMER_GRACE_MS = 60_000;
/** Until then a controller has told AWS of a new task or another end; one that dies before leaves the container's timer. */
const SETTLED_MS = 10_000;
/** A call that failed is made again by then. */
const RECOVERY_MS = 90_000;
const ENTRANCES = ['task', 'session'];

/** With no controller alive, AWS ends what is open soon after the end on record; where it refuses to, the container does, later. */
export const endsAlone: OracleFactory = (scene) => {
  const { now, aloneSince, bastions, things, troubledUntil, wasTampered, maxTtlMs, violate } = scene;
  const changedAt = new Map<string, number>();
  const seenAt = new Map<string, number>();
  /** While somebody was there to be hindered. */
  let troubled = 0;
  const latestEnd = (bastion: Bastion): number => {
    const { activatedAt = '', expiresAt = '' } = bastion.status ?? {};
    const told = condition(bastion, 'EndScheduled')?.reason ?? '';
    const isRefused = ['SchedulerRefused', 'SchedulerUnreachable'].includes(told);
    return isRefused ? Date.parse(activatedAt) + maxTtlMs + TIMER_GRACE_MS : Date.parse(expiresAt) + GRACE_MS;
  };
  return {
    name: 'ends-alone',
    onBastion: (next, before) => {
      if (next && next.status?.expiresAt !== before?.status?.expiresAt)
        changedAt.set(objectName(next), now());
    },
    onTick: () => {
      const since = aloneSince();
      const open = things('ecs')
        .concat(things('ssm'))
        .filter((one) => one.isOurs && one.isLive);
      for (const { id } of open) if (!seenAt.has(id)) seenAt.set(id, now());
      if (since === undefined) troubled = troubledUntil();
      if (since === undefined || since < troubled + RECOVERY_MS || wasTampered()) return;
      for (const { kind, id, owner = '' } of open) {
        const bastion = ENTRANCES.includes(kind) ? bastions.get(owner) : undefined;
        const isNew = (at = 0) => kind === 'task' && at > since - SETTLED_MS;
        if (!bastion || isNew(seenAt.get(id)) || isNew(changedAt.get(owner))) continue;
        if (now() > latestEnd(bastion))
          violate(
            'ends-alone',
            `${kind} ${id} is open, no controller runs, and ${owner} ended at ${bastion.status?.expiresAt}`,
          );
      }
    },
  };
};
