import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World } from '../../controller/simulator/world.ts';
import { VirtualClock } from '../clock.ts';

const start = () => {
  const clock = new VirtualClock(0);
  return { clock, world: new World({ clock, accountId: '111122223333', region: 'eu-west-1' }) };
};

describe('simulated time', () => {
  it('runs effects in the order they are due, equal ones as they were scheduled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 60 }), async (delays) => {
        const { clock, world } = start();
        const ran: [number, number][] = [];
        for (const [order, delay] of delays.entries()) world.schedule(delay, () => ran.push([delay, order]));
        await clock.advance(50);
        world.settle();
        expect(ran).toEqual(
          delays
            .map((delay, order) => [delay, order])
            .sort(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('lets an effect see the instant it was due, and schedule more from there', async () => {
    const { clock, world } = start();
    const seen: number[] = [];
    world.schedule(10, () => {
      seen.push(world.now());
      world.schedule(5, () => seen.push(world.now()));
      world.schedule(500, () => seen.push(world.now()));
    });
    await clock.advance(100);
    world.settle();
    expect([...seen, world.now()]).toEqual([10, 15, 100]);
  });

  it('never gives the same digits twice', () => {
    const { world } = start();
    const ids = new Set(Array.from({ length: 5000 }, () => world.hex(16)));
    expect(ids.size).toBe(5000);
  });
});
