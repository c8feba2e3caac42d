import { describe, expect, it } from 'vitest';
import { sleep } from '../../controller/machinery/clock.ts';
import { ClosingRead } from '../../controller/reconcile/closing-read.ts';
import { settle, VirtualClock } from '../clock.ts';
import { ACCOUNT, REGION } from './harness.ts';

/** @param answersMs how long the store takes, from one question to the next */
function startReading(...answersMs: readonly number[]) {
  const clock = new VirtualClock();
  const told: string[] = [];
  const log = Object.assign((_level: string, message: string) => void told.push(message), {
    over: (message: string) => void told.push(`over: ${message}`),
  });
  const left = [...answersMs];
  const reading = new ClosingRead({
    ...{ clock, log, place: { accountId: ACCOUNT, region: REGION } },
    read: async () => {
      await sleep(clock, left.shift() ?? 0);
      return [];
    },
    recall: () => [],
  });
  /** One round, and the pause after it. */
  const round = async () => {
    const answer = reading.bastions();
    for (let tenths = 0; tenths < 50; tenths++) {
      await clock.advance(100);
      await settle(2);
    }
    return (await answer).isAnew;
  };
  return { reading, round, told };
}

describe('what is to be closed, from a store that answers late', () => {
  it('is waited for again after an answer that came late', async () => {
    const { round, told } = startReading(3_000, 1_500);
    expect([await round(), await round()]).toEqual([false, true]);
    expect(told.filter((line) => line.startsWith('the store'))).toHaveLength(1);
    expect(told.at(-1)).toMatch(/^over: the store cannot be read/);
  });

  it('is waited for only for a moment after no answer at all', async () => {
    const never = Number.MAX_SAFE_INTEGER;
    const { round, reading } = startReading(never, 1_500, 200);
    expect([await round(), await round(), await round()]).toEqual([false, false, true]);
    expect(reading.isSlow()).toBe(false);
  });

  it('is not asked for again and again where each answer comes too late', async () => {
    const { round, reading } = startReading(3_000, 3_000, 3_000, 100);
    await round();
    await round();
    expect(reading.isSlow()).toBe(false);
    await round();
    expect(reading.isSlow()).toBe(true);
    await round();
    expect(reading.isSlow()).toBe(false);
  });
});
