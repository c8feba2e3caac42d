import { describe, expect, it } from 'vitest';
import { ApiError } from '../../controller/machinery/api-error.ts';
import { VirtualClock } from '../clock.ts';
import { manifestOf, startHarness } from '../reconcile/harness.ts';
import { INVALID_SPECS, SPECS } from './specs.ts';
import { everyNth, transitions } from './transitions.ts';

const manifest = (spec: Readonly<Record<string, unknown>>) => ({ ...manifestOf('orders'), spec });

describe('the specs', () => {
  it.each(Object.keys(SPECS))('%s is taken', async (name) => {
    const { api } = startHarness({ clock: new VirtualClock() });
    await expect(api.bastions.create(manifest({ ...SPECS[name] }))).resolves.toMatchObject({
      metadata: { generation: 1 },
    });
  });

  it('are forty or more, no two of them alike', () => {
    const texts = new Set(Object.values(SPECS).map((spec) => JSON.stringify(spec)));
    expect(texts.size).toBe(Object.keys(SPECS).length);
    expect(texts.size).toBeGreaterThanOrEqual(40);
  });
});

describe('the invalid specs', () => {
  it.each(Object.keys(INVALID_SPECS))('%s is refused and changes nothing', async (name) => {
    const { api } = startHarness({ clock: new VirtualClock() });
    const before = await api.bastions.create(manifest({ ...SPECS['target'] }));
    const update = { ...before, ...manifest({ ...INVALID_SPECS[name] }), metadata: before.metadata };
    const refusal = await api.bastions.update(update).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ApiError);
    expect(refusal).toMatchObject({ reason: 'Invalid', causes: [expect.anything()] });
    expect(await api.bastions.get('default', 'orders')).toEqual(before);
  });

  it('are each refused for another reason', async () => {
    const { api } = startHarness({ clock: new VirtualClock() });
    const reasons = await Promise.all(
      Object.values(INVALID_SPECS).map(async (spec) => {
        const refusal = await api.bastions.create(manifest(spec)).catch((error: unknown) => error);
        return refusal instanceof ApiError ? refusal.causes.map(({ message }) => message).join() : 'taken';
      }),
    );
    expect(new Set(reasons).size).toBe(reasons.length);
  });
});

describe('a Bastion that has had other specs before', () => {
  it('is as if built fresh', { timeout: 300_000 }, async () => {
    const faults: string[] = [];
    for await (const walk of everyNth(transitions(), 41)) {
      for (const { oracle, what } of await walk.run()) faults.push(`${walk.name}: ${oracle}: ${what}`);
    }
    expect(faults).toEqual([]);
  });
});
