import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { HYBRID, MINUTE, readyBed } from './bed.ts';

const FILE = new URL('../../deploy/iam/controller-policy.json', import.meta.url);
const DATABASE = { name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup };
const LOOKED_UP = [
  { name: 'orders', rds: { dbInstanceIdentifier: ORDINARY.ordersInstance } },
  { name: 'users', rds: { dbClusterIdentifier: ORDINARY.usersCluster } },
  { name: 'sessions', elasticache: { replicationGroupId: ORDINARY.cache } },
];
/** What AWS asks of the caller besides the call itself. */
const DEPENDENT = [
  'iam:CreateServiceLinkedRole',
  'iam:PassRole',
  'route53:AssociateVPCWithHostedZone',
] as const;

interface Policy {
  readonly Statement: readonly { readonly Action: string | readonly string[] }[];
}

describe("the controller's policy", () => {
  it('allows every call of a life from nothing to nothing, and what those calls depend on', async () => {
    const policy = JSON.parse(readFileSync(FILE, 'utf8')) as Policy;
    const allowed = new Set(policy.Statement.flatMap(({ Action }) => Action));
    const calls = new Set<string>(DEPENDENT);
    for (const spec of [{ targets: [DATABASE] }, { targets: LOOKED_UP }, HYBRID]) {
      const harness = await readyBed({ ...spec, ttl: '20m' });
      await harness.runUntil(async () => (await harness.phase('orders')) === 'Expired', 120 * MINUTE);
      for (const { service, operation } of harness.simulator.calls.list())
        calls.add(`${service}:${operation}`);
    }
    expect([...calls].filter((call) => !allowed.has(call))).toEqual([]);
  });
});
