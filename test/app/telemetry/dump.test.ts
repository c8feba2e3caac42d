import { expect, it } from 'vitest';
import { dumpOf } from '../../../controller/app/telemetry/dump.ts';
import type { ControllerState } from '../../../controller/reconcile/manager.ts';

it('a dump quotes no secret of an error, and tells the rest of it', () => {
  const state: ControllerState = {
    ...{ accountId: '123456789012', defaultRegion: 'eu-central-1', isLeading: true, epoch: 1 },
    ...{ isServing: true, halted: undefined, queue: [], bastions: [] },
    scopes: [
      [
        '123456789012/eu-central-1',
        {
          ...{ at: 0, tookMs: 5, result: 'failed', failures: 1, steps: [] },
          errors: ['proxy https://user:hunter2@proxy.example:3128 refused activation_code=abc123'],
        },
      ],
    ],
  };
  const dump = JSON.stringify(dumpOf(state, 0));
  expect(dump).toContain('proxy https://***@proxy.example:3128 refused activation_code=***');
  expect(dump).not.toMatch(/hunter2|abc123/);
  expect(dump).toContain('"at":"1970-01-01T00:00:00Z"');
});
