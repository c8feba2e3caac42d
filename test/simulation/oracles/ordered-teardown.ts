import type { OracleFactory } from '../oracle.ts';

const TRIED_MS = 600_000;

/** Grants are revoked before the task is stopped; one that cannot be seen or revoked does not keep the task. */
export const orderedTeardown: OracleFactory = ({ now, things, troubledUntil, violate }) => {
  let triedAt = Number.NEGATIVE_INFINITY;
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
          const open = left.has(id) ? undefined : grants.find((grant) => grant.owner === owner);
          if (open && now() - triedAt > TRIED_MS) {
            violate('ordered-teardown', `${id} of ${owner} was stopped while ${open.id} was still granted`);
          }
        }
      };
    },
  };
};
