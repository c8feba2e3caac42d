import { describe, expect, it } from 'vitest';
import { lower, missingTags, readTags, TAG, tagsFor, upper } from '../../controller/aws/tags.ts';
import type { Desired } from '../../controller/core/resource.ts';

const DESIRED: Desired = {
  kind: 'task',
  key: 'task/default/orders',
  spec: {},
  needs: [],
  tags: { team: 'shop', Name: 'theirs', [TAG.installation]: 'forged' },
  owners: ['default/orders'],
  shared: false,
};

describe('tags', () => {
  it("say whose it is, what it is and for whom, whatever people's own tags say", () => {
    expect(tagsFor('prod', DESIRED, 'bastion-orders')).toEqual({
      team: 'shop',
      Name: 'bastion-orders',
      [TAG.installation]: 'prod',
      [TAG.key]: 'task/default/orders',
      [TAG.bastion]: 'default/orders',
    });
    expect(tagsFor('prod', { ...DESIRED, shared: true }, 'x')).not.toHaveProperty(TAG.bastion);
  });

  it('are read back in the form of every service', () => {
    const tags = tagsFor('prod', DESIRED, 'x');
    for (const list of [upper(tags), lower(tags)]) {
      expect(readTags('prod', list)).toEqual({
        ...{ owned: true, key: 'task/default/orders', owner: 'default/orders', tags },
      });
    }
  });

  it('of another installation, or without a key, or none at all, make nothing ours', () => {
    const others = [
      upper(tagsFor('prod-2', DESIRED, 'x')),
      upper(tagsFor('Prod', DESIRED, 'x')),
      [{ Key: TAG.installation, Value: 'prod' }],
      [{ Key: TAG.key, Value: 'task/default/orders' }],
      [],
      undefined,
    ];
    for (const list of others) {
      const read = readTags('prod', list);
      expect([read.owned, read.key, read.owner]).toEqual([false, undefined, undefined]);
    }
  });

  it('of people are compared without those that somebody else added', () => {
    const present = { team: 'shop', costs: '42', env: 'dev' };
    expect(missingTags({ team: 'shop', env: 'prod', owner: 'me' }, present)).toEqual({
      env: 'prod',
      owner: 'me',
    });
  });

  it('of people that differ from ours, or from each other, only in case are no further tags', () => {
    const tags = { name: 'theirs', NAME: 'theirs', Team: 'shop', team: 'bank' };
    const forged = { [TAG.installation.toUpperCase()]: 'forged', [TAG.bastion.toUpperCase()]: 'forged' };
    const desired = { ...DESIRED, tags: { ...tags, ...forged } };
    expect(tagsFor('prod', desired, 'ours')).toEqual({
      Team: 'bank',
      Name: 'ours',
      [TAG.installation]: 'prod',
      [TAG.key]: 'task/default/orders',
      [TAG.bastion]: 'default/orders',
    });
    expect(missingTags(desired.tags, tagsFor('prod', desired, 'ours'))).toEqual({});
    expect(missingTags({ Team: 'shop' }, { team: 'shop' })).toEqual({});
    expect(missingTags({ Team: 'shop' }, { team: 'bank' })).toEqual({ Team: 'shop' });
  });
});
