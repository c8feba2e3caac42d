import { expect, it } from 'vitest';
import { createPlaces } from '../../../controller/http/door/places.ts';
import { VirtualClock } from '../../clock.ts';

const nobody = () => {};

it('leaves places for others when one client has taken its share', () => {
  const places = createPlaces({ total: 4, perClient: 2 }, 'watches', new VirtualClock());
  const first = places.enter('ann', nobody);
  places.enter('ann', nobody);
  expect(() => places.enter('ann', nobody)).toThrow('2 watches are open, as many as one client may have');
  places.enter('bob', nobody);
  places.enter('eve', nobody);
  expect(() => places.enter('joe', nobody)).toThrow('4 watches are open, as many as there may be');
  first.leave();
  first.leave();
  places.enter('joe', nobody);
  expect(places.taken).toBe(4);
});

it('gives the place of who has stopped reading to who asks, the longest first', async () => {
  const clock = new VirtualClock();
  const places = createPlaces({ total: 9, perClient: 2 }, 'watches', clock);
  const ended: string[] = [];
  places.enter('ann', () => ended.push('first')).block(true);
  await clock.advance(500);
  const second = places.enter('ann', () => ended.push('second'));
  second.block(true);
  expect(() => places.enter('ann', nobody)).toThrow('try again later');
  await clock.advance(600);
  places.enter('ann', nobody);
  expect([ended, places.taken]).toEqual([['first'], 2]);
  second.block(false);
  await clock.advance(2_000);
  expect(() => places.enter('ann', nobody)).toThrow('try again later');
});

it('counts by size, and lets in what alone is larger than a share', () => {
  const places = createPlaces({ total: 100, perClient: 50 }, 'bytes', new VirtualClock());
  const large = places.enter('ann', nobody, 80);
  expect(() => places.enter('ann', nobody, 1)).toThrow('50 bytes are open');
  expect(() => places.enter('bob', nobody, 30)).toThrow('100 bytes are open');
  large.leave();
  places.enter('bob', nobody, 30);
  expect(places.taken).toBe(30);
});

it('counts what is there already, and refuses it nothing', () => {
  const places = createPlaces({ total: 100, perClient: 50 }, 'bytes', new VirtualClock());
  places.enter('ann', nobody, 50);
  places.enter('ann', nobody, 40, { mayRefuse: false });
  expect(places.taken).toBe(90);
  expect(() => places.enter('ann', nobody, 1)).toThrow('50 bytes are open');
});
