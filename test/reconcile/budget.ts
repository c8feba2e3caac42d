import type { BastionSpec } from '../../controller/api/bastion.ts';
import type { Fault } from '../../controller/simulator/faults.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { startHarness } from './harness.ts';

/** Enough to come up, and to be torn down. */
const LIFE_MS = 10 * 60_000;

/** Needs every operation that any Bastion needs. */
const FULL: Partial<BastionSpec> = {
  ttl: '8h',
  targets: [{ name: 'db', host: 'db.internal', port: 5432, securityGroupId: ORDINARY.ordersGroup }],
  access: { transport: 'HybridActivation', activation: { issuer: 'Controller' } },
};

export interface Operation {
  readonly service: string;
  readonly operation: string;
  /** The first part of a Bastion's life that asks for it. */
  readonly within: 'life' | 'teardown';
}

export type PermanentError = 'AccessDenied' | 'ValidationException' | 'InternalError';

/** Everything that one Bastion's life asks of AWS, in the order in which it is first asked. */
export async function operationsOfALife(): Promise<readonly Operation[]> {
  const harness = startHarness();
  const found = new Map<string, Operation>();
  const note = (within: Operation['within']) => {
    for (const { service, operation } of harness.simulator.calls.list()) {
      const name = `${service}:${operation}`;
      if (!found.has(name)) found.set(name, { service, operation, within });
    }
  };
  await harness.apply('orders', FULL);
  await harness.run(LIFE_MS);
  note('life');
  await harness.apply('orders', { ...FULL, suspend: true });
  await harness.run(LIFE_MS);
  note('teardown');
  return [...found.values()];
}

/** The calls while an operation never succeeds, from when a Bastion is new, or from when it is torn down. */
export async function callsUnder(target: Operation, error: PermanentError, forMs: number): Promise<number> {
  const harness = startHarness();
  if (target.within === 'teardown') {
    await harness.apply('orders', FULL);
    await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready');
  }
  const { service, operation } = target;
  if (error === 'AccessDenied') harness.simulator.faults.deny(service, operation);
  else
    harness.simulator.faults.add({ service, operation, times: Number.POSITIVE_INFINITY, ...FAULTS[error] });
  harness.simulator.calls.clear();
  await harness.apply('orders', { ...FULL, suspend: target.within === 'teardown' });
  await harness.run(forMs);
  return harness.simulator.calls.list().length;
}

const FAULTS: Readonly<Record<Exclude<PermanentError, 'AccessDenied'>, Fault>> = {
  ValidationException: { code: 'ValidationException', message: 'a value is not valid', status: 400 },
  InternalError: { code: 'InternalError', message: 'an internal error has occurred', status: 500 },
};
