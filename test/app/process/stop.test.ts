import { describe, expect, it } from 'vitest';
import { stopRequests } from '../../../controller/app/process/stop.ts';
import { VirtualClock } from '../../clock.ts';

describe('a stop', () => {
  it('that comes as several signals at once is one, and hurries when somebody asks again', async () => {
    const clock = new VirtualClock();
    const stops: AbortSignal[] = [];
    const signal = stopRequests(clock, (hurry) => stops.push(hurry));
    signal();
    await clock.advance(900);
    signal();
    expect(stops.map(({ aborted }) => aborted)).toEqual([false]);
    await clock.advance(200);
    signal();
    expect(stops.map(({ aborted }) => aborted)).toEqual([true]);
  });
});
