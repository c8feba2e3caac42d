import type { Bastion } from '../../../controller/api/bastion.ts';
import { endOf } from '../life-model.ts';
import type { OracleFactory } from '../oracle.ts';

/** What belongs to one Bastion alone may be replaced when its spec changes. */
const SHARED = ['vpc-endpoint', 'security-group', 'iam-role', 'ecs-cluster', 'log-group'];
const OWN = ['target-ingress', 'task'];
/** So far ahead a start may lie. */
const SKEW_MS = 60_000;

/** What AWS accepted for it is shown by no list, so that it is not kept open. */
function isClosed({ status }: Bastion): boolean {
  return status?.conditions?.some(({ reason }) => reason === 'NeverListed') ?? false;
}

/** Nothing that an active Bastion uses goes away while it does. */
export const noHarm: OracleFactory = (scene) => {
  const { now, skewMs, behindMs, bastions, things, isAt, wasTampered, wasForged, orphanedAt, violate } =
    scene;
  // Whose source is not configured any more ends as it is on record, whatever is renewed.
  const lastEndOf = (bastion: Bastion) =>
    orphanedAt(bastion) === undefined ? endOf(bastion) : Date.parse(bastion.status?.expiresAt ?? '');
  /** To some replica's clock its start lies ahead by more than anybody can tell: that ends it. */
  const isAhead = ({ status }: Bastion) => {
    const wrongMs = skewMs() + behindMs();
    return wrongMs > 0 && Date.parse(status?.activatedAt ?? '') > now() + SKEW_MS - wrongMs;
  };
  const isActive = (bastion: Bastion) =>
    bastion.metadata.deletionTimestamp === undefined &&
    bastion.spec.suspend !== true &&
    !isClosed(bastion) &&
    !wasForged(bastion.metadata.name) &&
    !isAhead(bastion) &&
    bastion.status?.observedGeneration === bastion.metadata.generation &&
    now() + skewMs() < (lastEndOf(bastion) ?? Number.POSITIVE_INFINITY);
  // The grants on a database go where it goes.
  const leadsSomewhere = ({ spec }: Bastion, key = '') => {
    const [, groupId = '', port] = key.split('/');
    return spec.targets.some((target) => isAt(target, groupId, Number(port)));
  };
  const userOf = (kind: string, key: string | undefined) => {
    for (const [name, bastion] of bastions) {
      if (!isActive(bastion)) continue;
      if (OWN.includes(kind) && bastion.metadata.generation > 1) continue;
      if (kind === 'target-ingress' && !leadsSomewhere(bastion, key)) continue;
      const used = bastion.status?.resources?.some((one) => one.key === key && one.state === 'Ready');
      if (used) return name;
    }
    return undefined;
  };
  return {
    name: 'no-harm',
    aroundEffect: (call, service) => {
      if (wasTampered()) return undefined;
      const live = things(service).filter(
        ({ kind, isOurs, isLive }) => isOurs && isLive && [...SHARED, ...OWN].includes(kind),
      );
      return () => {
        const left = new Set(things(service).flatMap(({ id, isLive }) => (isLive ? [id] : [])));
        for (const { kind, key, id } of live) {
          const user = left.has(id) ? undefined : userOf(kind, key);
          if (user)
            violate('no-harm', `${call.name} took ${kind} ${id} (${key}) from ${user}, which is active`);
        }
      };
    },
  };
};
