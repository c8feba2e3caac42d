import { beforeAll, describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { cells, refused } from './kubectl.ts';
import { make, named } from './manifests.ts';

/** More than the 500 that kubectl asks for at a time. */
const COUNT = 620;

const bed = useBed();
const NAMES = Array.from({ length: COUNT }, (_, index) => `b-${String(index).padStart(4, '0')}`);

beforeAll(async () => {
  for (const name of NAMES) await make(bed().api, 'crowd', named(name));
});

describe('long lists', () => {
  const names = async (line: string) => {
    const rows = cells(await bed().place('crowd').run(`${line} --no-headers`));
    return rows.map(([name]) => name);
  };

  test('come whole, in pieces', async () => {
    expect(await names('get bastions')).toEqual(NAMES);
  });

  test('come in pieces of any size', async () => {
    expect(await names('get bastions --chunk-size=100')).toEqual(NAMES);
  });

  test('come in one piece', async () => {
    expect(await names('get bastions --chunk-size=0')).toEqual(NAMES);
  });

  test('tell how much is left', async () => {
    const path = '/apis/bastion-operator.dev/v1alpha1/namespaces/crowd/bastions?limit=20';
    const { stdout } = await bed().kubectl.run(`get --raw ${path}`);
    const { items, metadata } = JSON.parse(stdout);
    expect(items).toHaveLength(20);
    expect(metadata).toMatchObject({ continue: expect.stringMatching(/./), remainingItemCount: COUNT - 20 });
  });

  test('cannot be continued with what is no token', async () => {
    const path = '/apis/bastion-operator.dev/v1alpha1/namespaces/crowd/bastions?limit=20&continue=nonsense';
    const { code, stderr } = await bed().kubectl.run(`get --raw "${path}"`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error from server \(BadRequest\): .*continue/);
  });

  test('cannot be told to be of a version that is none', async () => {
    const path = '/apis/bastion-operator.dev/v1alpha1/bastions?resourceVersion=newest';
    expect(await bed().kubectl.run(`get --raw "${path}"`)).toEqual(
      refused(
        'BadRequest',
        'resourceVersion: found "newest", allowed: the resourceVersion of a list or an object',
      ),
    );
  });
});
