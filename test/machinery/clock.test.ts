import { describe, expect, it } from 'vitest';
import { LateError, within } from '../../controller/machinery/clock.ts';
import { VirtualClock } from '../clock.ts';

describe('a call that has only so much time', () => {
  it('is given up when that is over', async () => {
    const clock = new VirtualClock();
    const answer = within(clock, 1_000, () => new Promise<never>(() => {}));
    const given = expect(answer).rejects.toBeInstanceOf(LateError);
    await clock.advance(1_000);
    await given;
  });

  it('is not made when there is none', async () => {
    const calls: number[] = [];
    for (const limitMs of [0, -5]) {
      await expect(
        within(new VirtualClock(), limitMs, async () => calls.push(limitMs)),
      ).rejects.toBeInstanceOf(LateError);
    }
    expect(calls).toEqual([]);
  });
});
