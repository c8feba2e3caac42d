import { describe, expect, it } from 'vitest';
import { StandingKeeper, type StandingOptions } from '../../controller/reconcile/standing.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { settle, VirtualClock } from '../clock.ts';
import { createMemorySubject } from '../store/memory.ts';
import { ACCOUNT, REGION, SETTINGS } from './harness.ts';

const SECOND = 1_000;

describe('whose store it is, over a table that does not answer', () => {
  it('is asked for with the same patience at the beginning of each tenure', async () => {
    const clock = new VirtualClock();
    const whole = createMemorySubject(clock).open();
    const silent = () => new Promise<never>(() => undefined);
    const store = { ...whole, get: silent, list: silent };
    let epoch = 0;
    const held = () => ({ epoch });
    const failures: number[] = [];
    const keeper = new StandingKeeper({
      ...{ store, clock, settings: () => SETTINGS, onAllowed: () => undefined },
      api: createFacade({ store, clock, newUid: () => 'uid' }),
      lease: { held, isHeld: () => true } as unknown as StandingOptions['lease'],
      own: () => ({ accountId: ACCOUNT, installation: 'test', region: REGION }),
      log: (level) => void (level === 'error' && failures.push(clock.now())),
    });
    const failuresWithin = async (forMs: number) => {
      const before = failures.length;
      epoch += 1;
      keeper.turn(held());
      for (let passedMs = 0; passedMs < forMs; passedMs += SECOND) {
        await clock.advance(SECOND);
        await settle(5);
      }
      return failures.length - before;
    };
    expect(await failuresWithin(200 * SECOND)).toBeLessThan(7);
    keeper.turn(undefined);
    expect(await failuresWithin(6 * SECOND)).toBe(1);
    keeper.stop();
  });
});
