import { beforeAll, describe, expect, it } from 'vitest';
import type { BastionSpec } from '../../controller/api/bastion.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { type Harness, startHarness } from './harness.ts';

const OTHERS = ['orders', 'reports', 'stock', 'users', 'wiki'];
const HEAD_START_MS = 3 * 60_000;
/** Being poisoned beside them may cost others less than this many times what they take alone. */
const MOST_DELAY = 2;

interface Poison {
  readonly spec: Partial<BastionSpec>;
  readonly spoil?: (harness: Harness) => void;
  /** By its spec alone. */
  readonly refused?: boolean;
}

const HYBRID: Partial<BastionSpec> = {
  access: { transport: 'HybridActivation', activation: { issuer: 'Controller' } },
};
const MISSING_IMAGE = '123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/typo:latest';
const ABSENT_GROUP = 'sg-0123456789abcdef0';

const POISONS: Readonly<Record<string, Poison>> = {
  'an image that does not exist': {
    spec: { task: { image: MISSING_IMAGE, architecture: 'X86_64', cpu: 256, memory: 512 } },
    spoil: ({ simulator }) => simulator.ecs.missingImages.add(MISSING_IMAGE),
  },
  'a call that is denied and that only it needs': {
    spec: HYBRID,
    spoil: ({ simulator }) => simulator.faults.deny('ssm', 'CreateActivation'),
  },
  'a call that fails for ever and that only it needs': {
    spec: HYBRID,
    spoil: ({ simulator }) =>
      simulator.faults.add({ service: 'ssm', operation: 'PutParameter', times: Number.POSITIVE_INFINITY }),
  },
  "a target's security group that does not exist": {
    spec: { targets: [{ name: 'db', host: 'db.internal', port: 5432, securityGroupId: ABSENT_GROUP }] },
    refused: true,
  },
  'subnets of another VPC': {
    spec: { network: { vpcId: ORDINARY.isolatedVpc, subnetIds: [...ORDINARY.natSubnets], path: 'Auto' } },
    refused: true,
  },
};

/** Simulated time from the apply of five Bastions until all of them are Ready, with or without another one beside them. */
async function timeToReady(beside: Poison | undefined, headStartMs = 0): Promise<number> {
  const harness = startHarness();
  beside?.spoil?.(harness);
  if (beside) await harness.apply('a-poisoned', { ttl: '4h', ...beside.spec });
  if (headStartMs > 0) await harness.run(headStartMs);
  const startedAt = harness.clock.now();
  for (const name of OTHERS) await harness.apply(name, { ttl: '4h' });
  const isReady = async (name: string) => (await harness.phase(name)) === 'Ready';
  await harness.runUntil(async () => (await Promise.all(OTHERS.map(isReady))).every(Boolean));
  if (beside)
    expect((await harness.phase('a-poisoned')) === 'Ready').toBe(
      beside.spoil === undefined && !beside.refused,
    );
  return harness.clock.now() - startedAt;
}

describe('five Bastions beside one that never comes up', () => {
  let aloneMs: number;
  beforeAll(async () => {
    aloneMs = await timeToReady(undefined);
  });

  it.each(Object.entries(POISONS))('by %s come up nearly as soon as alone', async (_, poison) => {
    expect((await timeToReady(poison)) / aloneMs).toBeLessThan(MOST_DELAY);
  });

  it.each(Object.entries(POISONS).filter(([, { refused }]) => !refused))(
    'by %s come up nearly as soon as beside a healthy one, when it has been failing for long',
    async (_, poison) => {
      const besideHealthyMs = await timeToReady({ spec: poison.spec }, HEAD_START_MS);
      expect((await timeToReady(poison, HEAD_START_MS)) / besideHealthyMs).toBeLessThan(MOST_DELAY);
    },
  );
});
