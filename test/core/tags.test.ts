import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { join } from '../../controller/core/desired.ts';
import type { Desired } from '../../controller/core/resource.ts';
import { wantedOf } from './sample.ts';

const KEY = 'vpc-endpoint/v/s3';

describe('the tags of two desires for one key', () => {
  it('have one tag of each name, whatever its case and whoever comes first', () => {
    const name = fc.constantFrom('team', 'Team', 'TEAM', 'env', 'Env', 'cost');
    const tags = fc.dictionary(name, fc.constantFrom('', 'a', 'b', 'B'), { noNullPrototype: true });
    const joinTwo = (a: Desired, b: Desired) => join(a, b, {}) ?? a;
    fc.assert(
      fc.property(tags, tags, tags, (...sets) => {
        const [a, b, c] = sets.map((one, index) => wantedOf(KEY, { tags: { ...one, x: `${index}` } })) as [
          Desired,
          Desired,
          Desired,
        ];
        const all = joinTwo(joinTwo(a, b), c).tags;
        expect(joinTwo(a, joinTwo(b, c)).tags).toEqual(all);
        expect(joinTwo(c, joinTwo(b, a)).tags).toEqual(all);
        const names = Object.keys(all).map((one) => one.toLowerCase());
        expect(new Set(names).size).toBe(names.length);
      }),
    );
    const [team, shouted] = [wantedOf(KEY, { tags: { team: 'a' } }), wantedOf(KEY, { tags: { Team: 'b' } })];
    expect(joinTwo(team, shouted).tags).toEqual({ Team: 'a' });
  });
});
