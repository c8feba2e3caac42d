import { ORDINARY } from '../../../controller/aws/simulator/seed.ts';
import type { World } from '../world.ts';

const MINUTE = 60_000;
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

export function becomesReady(world: World, name: string, withinMs = READY_MS): Promise<void> {
  return world.until(`${name} is Ready`, () => world.phase(name) === 'Ready', withinMs);
}

export function expires(world: World, name: string, withinMs = READY_MS): Promise<void> {
  return world.until(`${name} is Expired`, () => world.phase(name) === 'Expired', withinMs);
}
