import { expect, it } from 'vitest';
import { NO_FACTS } from '../../controller/core/facts.ts';
import { networkProblems } from '../../controller/kinds/network-preflight.ts';
import { bastionOf } from '../core/sample.ts';
import { SETTINGS } from '../reconcile/harness.ts';

it('a Bastion in a region of China is refused, for that alone', () => {
  const problems = networkProblems(bastionOf(), { ...NO_FACTS, region: 'cn-north-1' }, SETTINGS);
  expect(problems).toEqual([
    {
      condition: 'NetworkReady',
      reason: 'RegionNotSupported',
      message: expect.stringContaining('cn-north-1 is in China'),
    },
  ]);
});
