import { describe, expect, it } from 'vitest';
import { ANNOTATION } from '../../controller/api/bastion.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { sample } from '../api/sample.ts';
import { createFixture } from './fixture.ts';

describe('a renewal', () => {
  it.each([
    ['ten minutes ahead is one of now', 600_000, 0],
    ['a few seconds ahead is believed', 5_000, 5_000],
    ['of a minute ago stays that', -60_000, -60_000],
  ])('dated %s', async (_what, aheadMs, keptMs) => {
    const { api, clock } = createFixture();
    await api.bastions.create(sample());
    const annotations = { [ANNOTATION.renewedAt]: rfc3339(clock.now() + aheadMs) };
    const renewed = await api.bastions.patch('default', 'orders', { metadata: { annotations } });
    expect(renewed.metadata.annotations?.[ANNOTATION.renewedAt]).toBe(rfc3339(clock.now() + keptMs));
  });
});
