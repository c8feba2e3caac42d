import { describe, expect, it } from 'vitest';
import type { BastionSpec } from '../../controller/api/bastion.ts';
import { becomeReady } from '../kinds/bed.ts';
import { startHarness } from '../reconcile/harness.ts';
import { examine, planned, SPECS } from './bed.ts';

describe.each(Object.entries<Partial<BastionSpec>>(SPECS))('%s', (_name, spec) => {
  it('raises no false alarm before it is applied', async () => {
    const harness = startHarness();
    const findings = await examine(harness, await planned(harness, spec), { isApplied: false });
    expect(findings.filter(({ verdict }) => verdict !== 'ok' && verdict !== 'skipped')).toEqual([]);
  });

  it('raises no false alarm when it is Ready', async () => {
    const harness = startHarness();
    await harness.apply('orders', spec);
    await becomeReady(harness);
    const findings = await examine(harness, await harness.get('orders'));
    expect(findings.filter(({ verdict }) => verdict !== 'ok' && verdict !== 'skipped')).toEqual([]);
    expect(findings.length).toBeGreaterThan(35);
  });

  it('changes nothing in AWS', async () => {
    const harness = startHarness();
    await harness.apply('orders', spec);
    await becomeReady(harness);
    harness.simulator.calls.clear();
    await examine(harness, await harness.get('orders'), {
      controllerRole: 'arn:aws:iam::123456789012:role/operator',
    });
    expect(harness.simulator.calls.list().length).toBeGreaterThan(20);
    expect(harness.simulator.calls.mutations()).toEqual([]);
  });

  it('raises no alarm while it is built', async () => {
    const harness = startHarness();
    await harness.apply('orders', spec);
    for (let seconds = 0; seconds < 180; seconds += 15) {
      const findings = await examine(harness, await harness.get('orders'));
      expect(findings.filter(({ verdict }) => verdict === 'problem' || verdict === 'unknown')).toEqual([]);
      await harness.run(15_000);
    }
  });
});
