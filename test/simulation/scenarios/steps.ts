import type { BastionSpec } from '../../../controller/api/bastion.ts';
import { ORDINARY } from '../../../controller/simulator/seed.ts';
import type { World } from '../world.ts';

export const MINUTE = 60_000;
/** Enough for everything to be made, and once more after the longest back-off of a step that failed. */
const READY_MS = 30 * MINUTE;

export const NAT = { vpcId: ORDINARY.natVpc, subnetIds: [...ORDINARY.natSubnets], path: 'Auto' as const };
export const ISOLATED = {
  vpcId: ORDINARY.isolatedVpc,
  subnetIds: [...ORDINARY.isolatedSubnets],
  path: 'Auto' as const,
};
export const TARGET = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };
export const NAT_TARGET = { ...TARGET, securityGroupId: ORDINARY.natDatabaseGroup };

/** The cheapest Bastion there is. */
export const OVER_NAT: Partial<BastionSpec> = { ttl: '24h', network: NAT, targets: [NAT_TARGET] };
export const OVER_ENDPOINTS: Partial<BastionSpec> = { ttl: '24h', network: ISOLATED, targets: [TARGET] };

export function hybrid(issuer: 'Controller' | 'Task'): Pick<BastionSpec, 'access'> {
  return { access: { transport: 'HybridActivation', activation: { issuer } } };
}

export function becomes(world: World, name: string, phase: string, withinMs = READY_MS): Promise<void> {
  return world.until(`${name} is ${phase}`, () => world.phase(name) === phase, withinMs);
}

export function becomesReady(world: World, name: string, withinMs = READY_MS): Promise<void> {
  return becomes(world, name, 'Ready', withinMs);
}

/** For one that lives so briefly that what goes wrong can take up all of its life. */
export function becomesReadyOrEnds(world: World, name: string): Promise<void> {
  const holds = () =>
    ['Ready', 'Expired', 'Scheduled'].includes(world.phase(name) ?? '') && hasBegun(world, name);
  return world.until(`${name} is Ready or over`, holds, READY_MS);
}

function hasBegun(world: World, name: string): boolean {
  return world.bastions.get(`default/${name}`)?.status?.activatedAt !== undefined;
}

export function expires(world: World, name: string, withinMs = READY_MS): Promise<void> {
  return becomes(world, name, 'Expired', withinMs);
}

export function isGone(world: World, name: string, withinMs = READY_MS): Promise<void> {
  return world.until(`${name} is gone`, () => !world.bastions.has(`default/${name}`), withinMs);
}

/** Waits until what is ours and live is just this, by key. */
export function holds(
  world: World,
  what: string,
  keys: (held: ReadonlySet<string>) => boolean,
): Promise<void> {
  return world.until(what, () => keys(keysOf(world)), READY_MS);
}

export function keysOf(world: World): ReadonlySet<string> {
  return new Set(world.ours().flatMap(({ key, isLive }) => (isLive && key !== undefined ? [key] : [])));
}

/** Once renewed it lives for its whole TTL again, by the clock that ends it. */
export async function livesOnRenewed(world: World, name: string, ttlMs: number): Promise<void> {
  await world.renew(name);
  const renewed = Math.floor(world.now() / 1000) * 1000;
  await becomesReadyOrEnds(world, name);
  await expires(world, name);
  const ranFor = world.now() + world.standing().skewMs - renewed;
  if (ranFor < ttlMs) world.violate('renewed', `it ended ${ranFor / 1000} s after its renewal`);
}
