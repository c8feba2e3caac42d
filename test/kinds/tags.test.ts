import { describe, expect, it } from 'vitest';
import { becomeReady, MINUTE, readyBed } from './bed.ts';

describe("people's tags", () => {
  it('that differ in case only, from ours or on a shared role, hold nothing up and are settled once', async () => {
    const harness = await readyBed({ tags: { name: 'theirs', Team: 'shop' } });
    await harness.apply('reports', { ttl: '24h', tags: { team: 'bank', NAME: 'theirs' } });
    await harness.runUntil(async () => (await harness.phase('reports')) === 'Ready', 20 * MINUTE);
    await becomeReady(harness);
    const shared = harness.simulator.iam.roles.all().find(({ name }) => name.endsWith('-execution'));
    expect(shared?.tags.get('Team')).toBe('bank');
    expect([...(shared?.tags.keys() ?? [])].filter((name) => /^(team|name)$/i.test(name)).sort()).toEqual([
      'Name',
      'Team',
    ]);
    harness.simulator.calls.clear();
    await harness.run(5 * MINUTE);
    expect(harness.simulator.calls.mutations()).toEqual([]);
  });
});
