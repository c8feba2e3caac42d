import { beforeEach, describe, expect, it } from 'vitest';
import { createFacade } from '../../controller/server/facade.ts';
import { StoreUnavailableError } from '../../controller/store/store.ts';
import { createFixture, event, type Fixture, failure, follow, sample } from './fixture.ts';

let fixture: Fixture;
beforeEach(() => {
  fixture = createFixture();
});

const bastions = () => fixture.api.bastions;
const events = () => fixture.api.events;
const create = (name: string, metadata = {}) => bastions().create(sample({}, { name, ...metadata }));
const label = (name: string, value: string | null) =>
  bastions().patch('default', name, { metadata: { labels: { team: value } } });

describe('list', () => {
  beforeEach(async () => {
    await create('users', { labels: { team: 'b' } });
    await create('orders', { labels: { team: 'a' } });
    await create('orders', { namespace: 'prod' });
  });

  it.each([
    [{}, ['default/orders', 'default/users', 'prod/orders']],
    [{ namespace: 'default' }, ['default/orders', 'default/users']],
    [{ name: 'orders' }, ['default/orders', 'prod/orders']],
    [{ labelSelector: 'team in (a,b),team!=b' }, ['default/orders']],
    [{ fieldSelector: 'metadata.name=orders,metadata.namespace!=prod' }, ['default/orders']],
    [{ namespace: 'none' }, []],
  ])('selects by %j', async (query, expected) => {
    const { items, resourceVersion } = await bastions().list(query);
    expect(items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual(expected);
    expect(resourceVersion).toBe('3');
  });

  it('refuses a selector that cannot be read', async () => {
    expect(await failure(bastions().list({ labelSelector: 'a in b' }))).toMatch(
      'BadRequest: label selector "a in b"',
    );
    expect(await failure(bastions().list({ fieldSelector: 'spec.ttl=4h' }))).toMatch(
      'BadRequest: field selector "spec.ttl=4h": field label not supported: spec.ttl, allowed: metadata.name, metadata.namespace',
    );
  });
});

describe('watch', () => {
  it('tells what happens after a revision, to one collection', async () => {
    await create('a');
    const watching = follow(bastions().watch, { from: '1' });
    await create('b');
    await events().create(event('noise'));
    await bastions().patch('default', 'a', { spec: { ttl: '5h' } });
    await bastions().delete('default', 'b');
    await bastions().patch('default', 'b', { metadata: { finalizers: [] } });
    expect(await watching.end()).toEqual(['ADDED b', 'MODIFIED a', 'MODIFIED b', 'DELETED b']);
  });

  it('sees entering a selection as ADDED and leaving it as DELETED', async () => {
    await create('a', { labels: { team: 'x' } });
    await create('b');
    const watching = follow(bastions().watch, { from: '2', labelSelector: 'team=x' });
    expect(await watching.seen()).toEqual([]);
    await label('b', 'x');
    await bastions().patch('default', 'b', { spec: { ttl: '5h' } });
    await label('b', 'y');
    await bastions().patch('default', 'b', { spec: { ttl: '6h' } });
    await label('a', null);
    await create('c', { labels: { team: 'x' } });
    expect(await watching.end()).toEqual(['ADDED b', 'MODIFIED b', 'DELETED b', 'DELETED a', 'ADDED c']);
  });

  it('replays what changed between the list and the watch', async () => {
    await create('a', { labels: { team: 'x' } });
    await create('b', { labels: { team: 'y' } });
    const { resourceVersion } = await bastions().list({ labelSelector: 'team=x' });
    await label('a', 'y');
    await create('c', { labels: { team: 'x' } });
    const watching = follow(bastions().watch, { from: resourceVersion, labelSelector: 'team=x' });
    await label('b', 'x');
    expect((await watching.end()).slice(0, 2)).toEqual(['DELETED a', 'ADDED c']);
  });

  it('follows one object by name', async () => {
    const watching = follow(bastions().watch, { from: '0', namespace: 'default', name: 'b' });
    await create('a');
    await create('b');
    await create('b', { namespace: 'prod' });
    expect(await watching.end()).toEqual(['ADDED b']);
  });

  it('answers Expired for history that is gone, BadRequest for what is no revision', async () => {
    for (const name of ['a', 'b', 'c']) await create(name);
    await fixture.clock.advance(60_000);
    await create('d');
    await fixture.store.trim(1000);
    const next = (from: string) =>
      bastions().watch({ from }, new AbortController().signal)[Symbol.asyncIterator]().next();
    expect(await failure(next('0'))).toBe(
      'Expired: the resourceVersion is too old: list again and watch from there',
    );
    expect(await failure(next('-1'))).toMatch('BadRequest: resourceVersion: found "-1"');
    expect(await failure(next(''))).toMatch('BadRequest');
  });
});

describe('events', () => {
  it('are created with count and times, changed and deleted at once', async () => {
    const created = await events().create(event('orders.1'));
    expect(created).toMatchObject({
      type: 'Normal',
      count: 1,
      firstTimestamp: '2026-11-23T09:00:00Z',
      lastTimestamp: '2026-11-23T09:00:00Z',
      metadata: { generation: 1, namespace: 'default' },
    });
    expect(created.metadata).not.toHaveProperty('finalizers');
    const counted = await events().patch('default', 'orders.1', { count: 2 });
    expect(counted).toMatchObject({ count: 2, metadata: { generation: 1, resourceVersion: '2' } });
    expect(await events().update(counted)).toEqual(counted);
    await events().delete('default', 'orders.1');
    expect(await failure(events().get('default', 'orders.1'))).toBe('NotFound: events "orders.1" not found');
  });

  it('are selected by what they are about', async () => {
    await events().create(event('a'));
    await events().create(event('b', { type: 'Warning', reason: 'Failed' }));
    const names = async (fieldSelector: string) =>
      (await events().list({ fieldSelector })).items.map(({ metadata }) => metadata.name);
    expect(await names('involvedObject.name=orders,involvedObject.kind=Bastion')).toEqual(['a', 'b']);
    expect(await names('type!=Normal')).toEqual(['b']);
    expect(await names('reason=Ready')).toEqual(['a']);
    expect(await names('involvedObject.uid=other')).toEqual([]);
  });

  it('refuse what would be of no use', async () => {
    const wrong = event('a', {
      type: 'Bad',
      reason: '',
      count: 0,
      involvedObject: { kind: 'Bastion', namespace: 'prod' },
    });
    expect(await failure(events().create(wrong))).toBe(
      'Invalid: Event "a" is invalid: [involvedObject.name: found nothing, allowed: a text, ' +
        'involvedObject.namespace: found "prod", allowed: the event\'s own namespace, "default", ' +
        'type: found "Bad", allowed: Normal, Warning, reason: found "" (a string), allowed: a text, ' +
        'count: found 0 (a number), allowed: an integer from 1]',
    );
    expect(await failure(events().create({ ...sample(), metadata: { name: 'a' } }))).toMatch(
      'apiVersion: found "bastion-operator.dev/v1alpha1", allowed: v1',
    );
  });
});

it('says Unavailable, with the cause, when the store does not answer', async () => {
  const down = () => Promise.reject(new StoreUnavailableError('the table did not answer'));
  const store = { ...fixture.store, get: down, list: down, put: down, delete: down };
  const { bastions } = createFacade({
    store: store as typeof fixture.store,
    clock: fixture.clock,
    newUid: () => 'u',
  });
  for (const work of [bastions.list(), bastions.get('default', 'a'), bastions.create(sample())]) {
    expect(await failure(work)).toBe('Unavailable: the table did not answer');
  }
});
