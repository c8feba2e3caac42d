import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiError } from '../../controller/machinery/api-error.ts';
import type { ListQuery } from '../../controller/machinery/resources.ts';
import { createFacade } from '../../controller/server/facade.ts';
import { createFixture, event, type Fixture, failure, sample } from './fixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = createFixture();
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    await create(name, { labels: { half: name < 'c' ? '1' : '2' } });
});

const bastions = () => fixture.api.bastions;
const create = (name: string, metadata = {}) => bastions().create(sample({}, { name, ...metadata }));
const change = (name: string) => bastions().patch('default', name, { spec: { ttl: '5h' } });

async function page(query: ListQuery) {
  const list = await bastions().list(query);
  return { ...list, names: list.items.map(({ metadata }) => metadata.name) };
}

async function remove(name: string) {
  await bastions().delete('default', name);
  await bastions().patch('default', name, { metadata: { finalizers: [] } });
}

const next = (list: { continue?: string }) => list.continue ?? 'none';

async function expiry(query: ListQuery): Promise<ApiError> {
  return bastions()
    .list(query)
    .then(
      () => expect.fail('it went on'),
      (error) => error,
    );
}

describe('a list in pages', () => {
  it('has every object once, in the order of the whole list, at the revision of its first page', async () => {
    const first = await page({ limit: 2 });
    expect(first).toMatchObject({ names: ['a', 'b'], remainingItemCount: 3, resourceVersion: '5' });
    const second = await page({ limit: 2, continue: next(first) });
    expect(second).toMatchObject({ names: ['c', 'd'], remainingItemCount: 1, resourceVersion: '5' });
    const third = await page({ limit: 2, continue: next(second) });
    expect(third).toMatchObject({ names: ['e'], resourceVersion: '5' });
    expect(third).not.toHaveProperty('continue');
    expect(third).not.toHaveProperty('remainingItemCount');
  });

  it('is whole without a limit, and when it just fits', async () => {
    for (const limit of [0, 5, 6]) expect(await page({ limit })).not.toHaveProperty('continue');
    const first = await page({ limit: 2 });
    expect((await page({ continue: next(first) })).names).toEqual(['c', 'd', 'e']);
  });

  it('goes on in any process on the same store', async () => {
    const { store, clock } = fixture;
    const first = await page({ limit: 4 });
    const other = createFacade({ store, clock, newUid: () => 'u' });
    const rest = await other.bastions.list({ continue: next(first) });
    expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(['e']);
  });

  it('selects, over namespaces too, and does not count what is left of a selection', async () => {
    await create('a', { namespace: 'prod', labels: { half: '2' } });
    const first = await page({ labelSelector: 'half=2', limit: 2 });
    expect(first.names).toEqual(['c', 'd']);
    expect(first).not.toHaveProperty('remainingItemCount');
    const second = await page({ labelSelector: 'half=2', limit: 2, continue: next(first) });
    expect(second.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual([
      'default/e',
      'prod/a',
    ]);
    expect(await page({ namespace: 'default', limit: 4 })).toMatchObject({ remainingItemCount: 1 });
  });
});

describe('the next page', () => {
  it('is that of the first one, whatever has changed before it or elsewhere', async () => {
    const first = await page({ namespace: 'default', limit: 2 });
    await change('a');
    await remove('b');
    await create('z', { namespace: 'prod' });
    await fixture.api.events.create(event('noise'));
    const second = await page({ namespace: 'default', continue: next(first) });
    expect(second).toMatchObject({ names: ['c', 'd', 'e'], resourceVersion: '5' });
  });

  it('leaves out what was created meanwhile, even where that was changed or is gone again', async () => {
    const first = await page({ limit: 2 });
    await create('cc');
    await change('cc');
    await create('dd');
    await remove('dd');
    expect((await page({ continue: next(first) })).names).toEqual(['c', 'd', 'e']);
  });

  it.each([
    ['changed', () => change('d')],
    ['deleted', () => remove('d')],
    [
      'replaced by another of its name',
      async () => {
        await remove('d');
        await create('d');
      },
    ],
  ])('is refused when an object on it was %s, with a way to go on', async (_what, act) => {
    const first = await page({ limit: 2 });
    await act();
    const error = await expiry({ limit: 2, continue: next(first) });
    expect(error.reason).toBe('Expired');
    expect(error.message).toMatch(
      /^The provided continue parameter is too old to display a consistent list result\. You can start a new list without the continue parameter, or use the continue token in this response/,
    );
    const { resourceVersion } = await page({});
    const rest = await page({ continue: next(error as { continue: string }) });
    expect(rest.names[0]).toBe('c');
    expect(rest.resourceVersion).toBe(resourceVersion);
  });

  it('is refused when history does not reach back to the first one, or never was', async () => {
    const first = await page({ limit: 2 });
    await change('a');
    await fixture.clock.advance(60_000);
    await change('b');
    await create('z');
    await fixture.store.trim(1000);
    expect((await expiry({ continue: next(first) })).reason).toBe('Expired');
    const ahead = Buffer.from(JSON.stringify({ revision: 999, after: 'default/b' })).toString('base64url');
    const error = await expiry({ continue: ahead });
    expect(error.reason).toBe('Expired');
    expect((await page({ continue: error.continue ?? '' })).names).toEqual(['c', 'd', 'e', 'z']);
  });

  it.each([
    'x',
    'bm9uZQ',
    token({}),
    token({ after: 'b' }),
    token({ after: 'a/b', revision: 'x' }),
    token([]),
  ])('needs a token that a list has given: not %s', async (continued) => {
    expect(await failure(bastions().list({ continue: continued }))).toMatch(
      'BadRequest: continue key is not valid: it',
    );
  });
});

describe('a watch', () => {
  it('tells how far it has come, past what is of no concern to it', async () => {
    const stop = new AbortController();
    const progress: string[] = [];
    const query = { from: '5', name: 'a', onProgress: (version: string) => progress.push(version) };
    const changes = bastions().watch(query, stop.signal)[Symbol.asyncIterator]();
    await fixture.api.events.create(event('noise'));
    await change('b');
    const pending = changes.next();
    await fixture.clock.advance(10_000);
    expect(progress.at(-1)).toBe('7');
    stop.abort();
    expect(await pending).toMatchObject({ done: true });
  });
});

function token(content: unknown): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}
