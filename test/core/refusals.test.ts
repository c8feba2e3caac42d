import { describe, expect, it } from 'vitest';
import type { Wish } from '../../controller/core/desired.ts';
import type { Outcome } from '../../controller/core/outcome.ts';
import {
  judgeRefusals,
  leftOut,
  NO_REFUSALS,
  partsOf,
  type Refusals,
  withoutRefused,
} from '../../controller/core/refusals.ts';
import type { Desired, Tags } from '../../controller/core/resource.ts';

const KEY = 'vpc-endpoint/vpc-1/logs';
const OWNERS = ['team/a', 'team/b', 'team/c', 'team/d'] as const;

interface Asked {
  readonly tags: Tags;
  readonly spec: { readonly subnets: readonly string[] };
}

/** AWS as far as this goes: it refuses whatever holds one of these words, and may say which. */
function search(wishes: readonly Asked[], refuses: readonly string[], isNaming: boolean) {
  const owned = wishes.map(({ spec, tags }, index) => {
    const wish = {
      kind: 'vpc-endpoint',
      key: KEY,
      spec,
      tags,
      needs: [],
      shared: true,
    } as const satisfies Wish;
    return { wish, owner: OWNERS[index] ?? 'team/x' } as const;
  });
  const merge = (a: unknown, b: unknown) => ({
    subnets: [...new Set([...(a as Asked['spec']).subnets, ...(b as Asked['spec']).subnets])].sort(),
  });
  const parts = partsOf(owned);
  const tags: Tags = Object.assign({}, ...wishes.map((one) => one.tags));
  const spec = wishes.map((one) => one.spec).reduce<unknown>((a, b) => (a ? merge(a, b) : b), undefined);
  const full: Desired = {
    kind: 'vpc-endpoint',
    key: KEY,
    spec,
    tags,
    needs: [],
    shared: true,
    owners: OWNERS,
  };
  let refusals: Refusals = NO_REFUSALS;
  let made: string | undefined;
  let calls = 0;
  for (let pass = 0; pass < 40; pass++) {
    const byKey = new Map([[full.key, full]]);
    const wanted = withoutRefused(
      { byKey, problems: new Map() },
      refusals,
      () => parts,
      () => merge,
    ).byKey.get(KEY);
    const text = JSON.stringify([wanted?.spec, wanted?.tags]);
    const action = made === undefined ? 'create' : made === text ? 'keep' : 'update';
    const bad = refuses.find((word) => text.includes(word));
    if (action !== 'keep') calls += 1;
    const step = {
      action,
      kind: 'vpc-endpoint',
      key: KEY,
      why: '',
      owners: OWNERS,
      desired: wanted ?? full,
    } as const;
    const outcome: Outcome =
      action === 'keep'
        ? { step, result: 'idle' }
        : bad === undefined
          ? { step, result: 'done' }
          : { step, result: 'failed', refused: true, message: isNaming ? `no ${bad} here` : 'invalid' };
    if (action !== 'keep' && bad === undefined) made = text;
    ({ refusals } = judgeRefusals([outcome], refusals, () => parts, pass * 1_000));
  }
  return { made, calls, told: leftOut(refusals, () => parts), refusals };
}

const subnets = (...names: string[]) => ({ subnets: names });

describe('a refused call', () => {
  it.each([true, false])('is made without the tag that is to blame (named: %s)', (isNaming) => {
    const wishes = [
      { spec: subnets('subnet-1'), tags: { Team: 'a' } },
      { spec: subnets('subnet-1'), tags: { Cost: 'b', Unit: 'u' } },
      { spec: subnets('subnet-2'), tags: { Stage: 'c' } },
    ];
    const { made, told, calls } = search(wishes, ['Cost'], isNaming);
    expect(made).toContain('subnet-2');
    for (const tag of ['Team', 'Unit', 'Stage']) expect(made).toContain(tag);
    expect(made).not.toContain('Cost');
    expect([...told.keys()]).toEqual(['team/b']);
    expect(told.get('team/b')).toMatch(/spec\.tags\[Cost\] is left out of vpc-endpoint/);
    expect(calls).toBeLessThanOrEqual(isNaming ? 3 : 8);
  });

  it.each([true, false])('is made without the specs that are to blame (named: %s)', (isNaming) => {
    const wishes = ['subnet-1', 'subnet-2', 'subnet-3', 'subnet-4'].map((id) => ({
      spec: subnets(id),
      tags: {},
    }));
    const { made, told } = search(wishes, ['subnet-2', 'subnet-3'], isNaming);
    expect(made).toBe('[{"subnets":["subnet-1","subnet-4"]},{}]');
    expect([...told.keys()].sort()).toEqual(['team/b', 'team/c']);
  });

  it('of one owner is made without its tags, and fails as ever where its spec is refused', () => {
    const one = [{ spec: subnets('subnet-1'), tags: { Team: 'a', Cost: 'b' } }];
    expect(search(one, ['Cost'], false).made).toBe('[{"subnets":["subnet-1"]},{"Team":"a"}]');
    const { made, told } = search(one, ['subnet-1'], true);
    expect(made).toBeUndefined();
    expect(told.size).toBe(0);
  });

  it('is not searched where there is nothing to leave out', () => {
    const { refusals, made } = search([{ spec: subnets('subnet-1'), tags: {} }], ['subnet-1'], true);
    expect([made, refusals.size]).toEqual([undefined, 0]);
  });
});
