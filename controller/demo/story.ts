import type { Bastion } from '../api/bastion.ts';

/** One look at the demo's world. */
export interface Scene {
  readonly bastions: readonly Bastion[];
  /** Everything in simulated AWS that carries the installation's tag. */
  readonly owned: readonly { readonly kind: string; readonly key: string; readonly id: string }[];
}

/** What the demo promises to show. Each is set when it has been seen, never assumed. */
export interface Seen {
  readonly ready: ReadonlySet<string>;
  readonly expired: ReadonlySet<string>;
  /** Interface endpoints that served both Bastions while both were Ready. */
  readonly sharedEndpoints: number;
  /** One had expired, the other was still Ready, and the endpoints were still there. */
  readonly endpointsStayed: boolean;
  /** After both had expired: how much was left. Unset until then. */
  readonly leftover?: number;
  readonly mostResources: number;
}

export const NOTHING_SEEN: Seen = {
  ready: new Set(),
  expired: new Set(),
  sharedEndpoints: 0,
  endpointsStayed: false,
  mostResources: 0,
};

export function watchScene(seen: Seen, { bastions, owned }: Scene): Seen {
  const inPhase = (phase: string) =>
    bastions.filter((one) => one.status?.phase === phase).map((one) => one.metadata.name);
  const ready = inPhase('Ready');
  const expired = new Set([...seen.expired, ...inPhase('Expired')]);
  const endpoints = owned.filter((resource) => resource.kind === 'vpc-endpoint');
  const shared = ready.length === 2 ? countShared(bastions) : 0;
  const allOver = bastions.length > 0 && bastions.every((one) => one.status?.phase === 'Expired');
  return {
    ready: new Set([...seen.ready, ...ready]),
    expired,
    sharedEndpoints: Math.max(seen.sharedEndpoints, shared),
    endpointsStayed:
      seen.endpointsStayed ||
      (expired.size === 1 &&
        ready.length === 1 &&
        seen.sharedEndpoints > 0 &&
        endpoints.length >= seen.sharedEndpoints),
    mostResources: Math.max(seen.mostResources, owned.length),
    ...(allOver ? { leftover: owned.length } : {}),
  };
}

/** Ids of endpoints that every Bastion names. */
function countShared(bastions: readonly Bastion[]): number {
  const idsOf = (bastion: Bastion) =>
    new Set(
      (bastion.status?.resources ?? []).filter((one) => one.kind === 'vpc-endpoint').map((one) => one.id),
    );
  const [first, ...others] = bastions.map(idsOf);
  return [...(first ?? [])].filter((id) => others.every((ids) => ids.has(id))).length;
}

/** What is left is given the time that the demo has to go too. */
export function isOver(seen: Seen): boolean {
  return seen.leftover === 0;
}

export function isWhole(seen: Seen): boolean {
  return (
    seen.ready.size === 2 &&
    seen.sharedEndpoints > 0 &&
    seen.endpointsStayed &&
    seen.expired.size === 2 &&
    seen.leftover === 0
  );
}
