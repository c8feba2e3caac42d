import { beforeEach, describe, expect, it } from 'vitest';
import type { Bastion } from '../../controller/api/bastion.ts';
import type { ApiError } from '../../controller/machinery/api-error.ts';
import { createFixture, FINALIZER, type Fixture, failure, sample } from './fixture.ts';

let fixture: Fixture;
beforeEach(() => {
  fixture = createFixture();
});

const bastions = () => fixture.api.bastions;
const create = (spec = {}, metadata = {}) => bastions().create(sample(spec, metadata));
const revision = async () => (await bastions().list()).resourceVersion;
const CONFLICT =
  'Conflict: Operation cannot be fulfilled on bastions.bastion-operator.dev "orders": the object has been modified; please apply your changes to the latest version and try again';

describe('create', () => {
  it('gives identity, defaults and the finalizer, and drops what only the server may set', async () => {
    const metadata = {
      labels: { team: 'a' },
      annotations: {},
      generation: 9,
      deletionTimestamp: 'x',
      uid: 'mine',
    };
    const created = await bastions().create({ ...sample({}, metadata), status: { phase: 'Ready' } });
    expect(created).toMatchObject({
      spec: { suspend: false, task: { cpu: 256 } },
      metadata: {
        name: 'orders',
        namespace: 'default',
        uid: 'uid-1',
        resourceVersion: '1',
        generation: 1,
        creationTimestamp: '2026-11-23T09:00:00Z',
        labels: { team: 'a' },
        finalizers: [FINALIZER],
      },
    });
    expect(created).not.toHaveProperty('status');
    expect(created.metadata).not.toHaveProperty('deletionTimestamp');
    expect(created.metadata).not.toHaveProperty('annotations');
    expect(await bastions().get('default', 'orders')).toEqual(created);
  });

  it('refuses a name that is taken, also where somebody else was quicker', async () => {
    const message = 'AlreadyExists: bastions.bastion-operator.dev "orders" already exists';
    fixture.interpose(() => create());
    expect(await failure(create())).toBe(message);
    expect(await failure(create())).toBe(message);
    await bastions().delete('default', 'orders');
    expect(await failure(create())).toBe(
      'AlreadyExists: object is being deleted: bastions.bastion-operator.dev "orders" already exists',
    );
    expect(await create({}, { namespace: 'other' })).toMatchObject({ metadata: { namespace: 'other' } });
  });

  it('names every error of what is invalid, and keeps them as causes', async () => {
    expect(await failure(create({ ttl: '1m' }))).toBe(
      'Invalid: Bastion.bastion-operator.dev "orders" is invalid: spec.ttl: found "1m", allowed: from 5m to 168h',
    );
    const error: ApiError = await create({ ttl: '1m', cpu: 1 }).catch((thrown) => thrown);
    expect(error.message).toContain('is invalid: [spec.cpu: unknown field, did you mean spec.task.cpu?');
    expect(error.causes.map(({ field, type }) => `${field} ${type}`)).toEqual([
      'spec.cpu Unknown',
      'spec.ttl Invalid',
    ]);
    expect(await revision()).toBe('0');
  });

  it('refuses a resourceVersion, and what is no JSON', async () => {
    expect(await failure(create({}, { resourceVersion: '1' }))).toBe(
      'BadRequest: resourceVersion should not be set on objects to be created; leave it out',
    );
    const hostile = JSON.parse('{"__proto__": {"polluted": 1}}');
    expect(await failure(create(hostile))).toMatch(
      'BadRequest: spec.__proto__: this field name is not allowed',
    );
    expect(await failure(create({ ttl: 4n }))).toMatch('BadRequest: spec.ttl: found bigint 4');
  });

  it('does all but the write on a dry run', async () => {
    const dry = await bastions().create(sample(), { dryRun: true });
    expect(dry).toMatchObject({ metadata: { generation: 1, resourceVersion: '' }, spec: { suspend: false } });
    expect(await failure(bastions().get('default', 'orders'))).toBe(
      'NotFound: bastions.bastion-operator.dev "orders" not found',
    );
    await create();
    expect(await failure(bastions().create(sample(), { dryRun: true }))).toMatch('AlreadyExists');
  });
});

describe('update', () => {
  it('counts a generation when the spec changes, and only then', async () => {
    const first = await create();
    const labelled = await bastions().update({
      ...first,
      metadata: { ...first.metadata, labels: { a: 'b' } },
    });
    expect(labelled.metadata).toMatchObject({ generation: 1, resourceVersion: '2', labels: { a: 'b' } });
    const changed = await bastions().update({ ...labelled, spec: { ...labelled.spec, ttl: '8h' } });
    expect(changed.metadata).toMatchObject({ generation: 2, resourceVersion: '3' });
  });

  it('writes nothing when nothing changes, also where defaults and null stand for the same', async () => {
    const first = await create();
    const { resourceVersion } = first.metadata;
    expect(await bastions().update(first)).toEqual(first);
    const bare = sample({ suspend: null }, { resourceVersion });
    expect(await bastions().update(bare)).toEqual(first);
    expect(await revision()).toBe('1');
  });

  it('needs a resourceVersion, the stored one', async () => {
    const first = await create();
    expect(await failure(bastions().update(sample()))).toBe(
      'Invalid: Bastion.bastion-operator.dev "orders" is invalid: metadata.resourceVersion: required but missing: must be specified for an update',
    );
    await bastions().patch('default', 'orders', { spec: { ttl: '5h' } });
    expect(await failure(bastions().update(first))).toBe(CONFLICT);
    expect(await failure(bastions().update(sample({}, { name: 'gone', resourceVersion: '1' })))).toMatch(
      'NotFound',
    );
  });

  it('is a conflict when somebody else writes between its read and its write', async () => {
    const first = await create();
    fixture.interpose(() => bastions().patch('default', 'orders', { spec: { reason: 'quicker' } }));
    expect(await failure(bastions().update({ ...first, spec: { ...first.spec, ttl: '5h' } }))).toBe(CONFLICT);
    expect(await bastions().get('default', 'orders')).toMatchObject({
      spec: { ttl: '4h', reason: 'quicker' },
    });
  });

  it('leaves status and identity alone', async () => {
    const first = await create();
    const ready = await bastions().updateStatus({ ...first, status: { phase: 'Ready' } });
    const metadata = { ...ready.metadata, creationTimestamp: '2000-01-01T00:00:00Z', generation: 77 };
    const updated = await bastions().update({ ...ready, metadata, status: { phase: 'Failed' } });
    expect(updated).toEqual(ready);
    expect(await failure(bastions().update({ ...ready, metadata: { ...ready.metadata, uid: 'x' } }))).toBe(
      'Conflict: Operation cannot be fulfilled on bastions.bastion-operator.dev "orders": Precondition failed: UID in precondition: x, UID in object meta: uid-1',
    );
  });

  it('keeps the finalizer of a living Bastion, whatever the manifest says', async () => {
    const { metadata } = await create();
    const { resourceVersion } = metadata;
    const emptied = await bastions().update(sample({}, { resourceVersion, finalizers: [] }));
    expect(emptied.metadata.finalizers).toEqual([FINALIZER]);
    const left = await bastions().update(sample({ ttl: '5h' }, { resourceVersion }));
    expect(left.metadata.finalizers).toEqual([FINALIZER]);
  });

  it('tells what would be written on a dry run, and writes nothing', async () => {
    const first = await create();
    const dry = await bastions().update({ ...first, spec: { ...first.spec, ttl: '5h' } }, { dryRun: true });
    expect(dry).toMatchObject({ spec: { ttl: '5h' }, metadata: { generation: 2, resourceVersion: '1' } });
    expect(await bastions().get('default', 'orders')).toEqual(first);
  });
});

describe('patch', () => {
  it('merges, removes with null and replaces lists', async () => {
    await create(
      { reason: 'why', targets: [{ name: 'a', host: 'h', port: 1 }] },
      { labels: { a: '1', b: '2' } },
    );
    const patch = { spec: { reason: null, targets: [] }, metadata: { labels: { a: null, c: '3' } } };
    const patched = await bastions().patch('default', 'orders', patch);
    expect(patched).toMatchObject({
      spec: { targets: [], ttl: '4h' },
      metadata: { generation: 2, labels: { b: '2', c: '3' } },
    });
    expect(patched.spec).not.toHaveProperty('reason');
    expect(patched.metadata.labels).not.toHaveProperty('a');
  });

  it('starts over when somebody else was quicker, and both changes stand', async () => {
    await create();
    fixture.interpose(() => bastions().patch('default', 'orders', { spec: { reason: 'quicker' } }));
    const patched = await bastions().patch('default', 'orders', { spec: { ttl: '5h' } });
    expect(patched).toMatchObject({ spec: { ttl: '5h', reason: 'quicker' }, metadata: { generation: 3 } });
  });

  it('takes a resourceVersion as a precondition', async () => {
    await create();
    const patch = { metadata: { resourceVersion: '1' }, spec: { ttl: '5h' } };
    fixture.interpose(() => bastions().patch('default', 'orders', { spec: { reason: 'quicker' } }));
    expect(await failure(bastions().patch('default', 'orders', patch))).toBe(CONFLICT);
    expect(await failure(bastions().patch('default', 'orders', patch))).toBe(CONFLICT);
  });

  it('refuses to rename, to break the spec and to patch what is not there; ignores status', async () => {
    const first = await create();
    expect(await failure(bastions().patch('default', 'orders', { metadata: { name: 'x' } }))).toBe(
      'Invalid: Bastion.bastion-operator.dev "orders" is invalid: metadata.name: found "x" (a string), allowed: "orders", since it cannot be changed',
    );
    expect(await failure(bastions().patch('default', 'orders', { spec: { ttl: null } }))).toMatch(
      'spec.ttl: required but missing',
    );
    expect(await failure(bastions().patch('default', 'orders', { kind: 'Pod' }))).toMatch('Invalid');
    expect(await failure(bastions().patch('default', 'x', {}))).toMatch('NotFound');
    expect(await bastions().patch('default', 'orders', { status: { phase: 'Ready' } })).toEqual(first);
    expect(
      await bastions().patch('default', 'orders', { spec: { ttl: '5h' } }, { dryRun: true }),
    ).toMatchObject({ spec: { ttl: '5h' } });
    expect(await revision()).toBe('1');
  });
});

describe('updateStatus', () => {
  it('replaces the status only', async () => {
    const first = await create();
    const sent = { ...first, spec: { ...first.spec, ttl: '5h' }, status: { phase: 'Ready' as const } };
    const updated = await bastions().updateStatus(sent);
    expect(updated).toMatchObject({
      status: { phase: 'Ready' },
      spec: { ttl: '4h' },
      metadata: { generation: 1, resourceVersion: '2' },
    });
  });

  it('writes nothing when nothing changes', async () => {
    const first = await create();
    const ready = await bastions().updateStatus({ ...first, status: { phase: 'Ready' } });
    expect(await bastions().updateStatus(ready)).toEqual(ready);
    expect(await revision()).toBe('2');
  });

  it('refuses a stale state, a broken status and a Bastion that is gone', async () => {
    const first = await create();
    await bastions().patch('default', 'orders', { spec: { ttl: '5h' } });
    expect(await failure(bastions().updateStatus({ ...first, status: { phase: 'Ready' } }))).toBe(CONFLICT);
    const broken = { ...first, status: { phase: 'Bored' } } as unknown as Bastion;
    expect(await failure(bastions().updateStatus(broken))).toMatch(
      'Invalid: Bastion.bastion-operator.dev "orders" is invalid: status.phase: found "Bored"',
    );
    const gone = { ...first, metadata: { ...first.metadata, name: 'gone' } };
    expect(await failure(bastions().updateStatus(gone))).toMatch('NotFound');
  });
});

describe('delete', () => {
  it('marks first, and the last finalizer takes the Bastion along', async () => {
    await create();
    await fixture.clock.advance(60_000);
    const marked = await bastions().delete('default', 'orders');
    expect(marked.metadata).toMatchObject({
      deletionTimestamp: '2026-11-23T09:01:00Z',
      generation: 2,
      resourceVersion: '2',
    });
    await fixture.clock.advance(60_000);
    expect(await bastions().delete('default', 'orders')).toEqual(marked);
    const gone = await bastions().update({ ...marked, metadata: { ...marked.metadata, finalizers: [] } });
    expect(gone.metadata.resourceVersion).toBe('3');
    expect(await failure(bastions().get('default', 'orders'))).toMatch('NotFound');
  });

  it('lets a patch remove the last finalizer, also a patch with null', async () => {
    await create();
    await bastions().delete('default', 'orders');
    await bastions().patch('default', 'orders', { metadata: { finalizers: null } });
    expect((await bastions().list()).items).toEqual([]);
  });

  it('is not cut short by a manifest that says nothing of finalizers', async () => {
    await create();
    const { metadata } = await bastions().delete('default', 'orders');
    await bastions().update(sample({ ttl: '5h' }, { resourceVersion: metadata.resourceVersion }));
    expect((await bastions().get('default', 'orders')).metadata.finalizers).toEqual([FINALIZER]);
  });

  it('waits for finalizers of others and takes no new ones', async () => {
    await create({}, { finalizers: ['example.com/audit'] });
    const marked = await bastions().delete('default', 'orders');
    expect(marked.metadata.finalizers).toEqual(['example.com/audit', FINALIZER]);
    const more = [...(marked.metadata.finalizers ?? []), 'example.com/late'];
    expect(await failure(bastions().patch('default', 'orders', { metadata: { finalizers: more } }))).toBe(
      'Invalid: Bastion.bastion-operator.dev "orders" is invalid: metadata.finalizers: no new finalizers can be added if the object is being deleted, found new: example.com/late',
    );
    const less = await bastions().patch('default', 'orders', {
      metadata: { finalizers: ['example.com/audit'] },
    });
    expect(less.metadata.finalizers).toEqual(['example.com/audit']);
  });

  it('takes a resourceVersion as a precondition, and a dry run for what it is', async () => {
    const { metadata } = await create();
    await bastions().delete('default', 'orders', { dryRun: true });
    expect((await bastions().get('default', 'orders')).metadata).toEqual(metadata);
    await bastions().patch('default', 'orders', { spec: { ttl: '5h' } });
    expect(await failure(bastions().delete('default', 'orders', { resourceVersion: '1' }))).toBe(
      'Conflict: Operation cannot be fulfilled on bastions.bastion-operator.dev "orders": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (2). The object might have been modified',
    );
    fixture.interpose(() => bastions().patch('default', 'orders', { spec: { ttl: '6h' } }));
    expect(await failure(bastions().delete('default', 'orders', { resourceVersion: '2' }))).toBe(CONFLICT);
    fixture.interpose(() => bastions().patch('default', 'orders', { spec: { ttl: '7h' } }));
    expect(await bastions().delete('default', 'orders')).toMatchObject({
      spec: { ttl: '7h' },
      metadata: { generation: 5 },
    });
    expect(await failure(bastions().delete('default', 'gone'))).toMatch('NotFound');
  });
});

describe('a stored Bastion that no longer validates', () => {
  const putBroken = async () => {
    const first = await create();
    const broken = { ...first, spec: { ...first.spec, ttl: '999h' } };
    return fixture.store.put('bastions', broken, first.metadata.resourceVersion);
  };

  it('is still there for get, list and status', async () => {
    const broken = await putBroken();
    expect(await bastions().get('default', 'orders')).toEqual(broken);
    expect((await bastions().list()).items).toEqual([broken]);
    expect(await bastions().updateStatus({ ...broken, status: { phase: 'Failed' } })).toMatchObject({
      status: { phase: 'Failed' },
    });
  });

  it('can be deleted, finalizer and all', async () => {
    await putBroken();
    await bastions().delete('default', 'orders');
    await bastions().patch('default', 'orders', { metadata: { finalizers: [] } });
    expect((await bastions().list()).items).toEqual([]);
  });

  it('can be mended, but not broken further', async () => {
    await putBroken();
    expect(await failure(bastions().patch('default', 'orders', { spec: { ttl: '998h' } }))).toMatch(
      'spec.ttl',
    );
    expect(await failure(bastions().patch('default', 'orders', { foo: 1 }))).toMatch('foo: unknown field');
    expect(await bastions().patch('default', 'orders', { spec: { ttl: '5h' } })).toMatchObject({
      spec: { ttl: '5h' },
    });
  });

  it('gets the defaults it was stored without', async () => {
    const { spec, ...first } = await create();
    const { tags: _tags, ...older } = spec;
    await fixture.store.put('bastions', { ...first, spec: older } as unknown as Bastion, '1');
    expect((await bastions().get('default', 'orders')).spec.tags).toEqual({});
  });
});
