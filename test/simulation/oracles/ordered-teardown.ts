import type { Bastion } from '../../../controller/api/bastion.ts';
import { endOf } from '../life-model.ts';
import type { OracleFactory } from '../oracle.ts';

const TRIED_MS = 600_000;

/** Grants are revoked before the task is stopped; one that cannot be seen or revoked does not keep the task. */
export const orderedTeardown: OracleFactory = ({ now, bastions, things, troubledUntil, violate }) => {
  let triedAt = Number.NEGATIVE_INFINITY;
  /** The task of an open one may be replaced: its successor is let in by the same grant. */
  const isOpen = (bastion: Bastion | undefined) =>
    bastion !== undefined &&
    bastion.metadata.deletionTimestamp === undefined &&
    bastion.spec.suspend !== true &&
    now() < (endOf(bastion) ?? Number.POSITIVE_INFINITY);
  return {
    name: 'ordered-teardown',
    onAttempt: ({ name }) => {
      if (name === 'ec2:RevokeSecurityGroupIngress') triedAt = now();
    },
    aroundEffect: (call) => {
      if (call.name !== 'ecs:StopTask' || now() < troubledUntil()) return undefined;
      const before = things('ecs').filter(({ isOurs, isLive, kind }) => isOurs && isLive && kind === 'task');
      return () => {
        const left = new Set(things('ecs').flatMap(({ id, isLive }) => (isLive ? [id] : [])));
        const grants = things('ec2').filter(({ kind, isOurs }) => isOurs && kind === 'target-ingress');
        for (const { id, owner } of before) {
          const isKept = left.has(id) || isOpen(bastions.get(owner ?? ''));
          const open = isKept ? undefined : grants.find((grant) => grant.owner === owner);
          if (open && now() - triedAt > TRIED_MS) {
            violate('ordered-teardown', `${id} of ${owner} was stopped while ${open.id} was still granted`);
          }
        }
      };
    },
  };
};
