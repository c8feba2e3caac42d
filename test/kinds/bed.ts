import type { BastionSpec } from '../../controller/api/bastion.ts';
import type { Desired, Key, KindName, Observed } from '../../controller/core/resource.ts';
import { KINDS } from '../../controller/kinds/index.ts';
import type { Kind } from '../../controller/kinds/kind.ts';
import { type Harness, startHarness } from '../reconcile/harness.ts';

export const MINUTE = 60_000;
export const HYBRID = {
  access: { transport: 'HybridActivation', activation: { issuer: 'Controller' } },
} as const satisfies Partial<BastionSpec>;

export function kindNamed(name: KindName): Kind {
  const kind = KINDS.find((candidate) => candidate.name === name);
  if (!kind) throw new Error(`no kind ${name}`);
  return kind;
}

/** A Bastion that is Ready, so that each kind has something in the simulated account. */
export async function readyBed(spec: Partial<BastionSpec> = {}): Promise<Harness> {
  const harness = startHarness();
  await harness.apply('orders', { ttl: '24h', ...spec });
  await becomeReady(harness);
  return harness;
}

export async function becomeReady(harness: Harness, withinMs = 20 * MINUTE): Promise<void> {
  await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready', withinMs);
}

export async function listed(harness: Harness, name: KindName): Promise<readonly Observed[]> {
  return kindNamed(name).list(harness.aws(), undefined);
}

/** What the Bastion wants under this key, and what there is. */
export async function wantedIn(harness: Harness, key: Key): Promise<Desired> {
  const { wishes } = await harness.pass();
  const wanted = wishes.desired.byKey.get(key);
  if (!wanted) throw new Error(`nobody wants ${key}`);
  return wanted;
}
