import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bastion } from '../../controller/api/bastion.ts';
import type { ApiError } from '../../controller/machinery/api-error.ts';
import type { WatchEvent, WatchQuery } from '../../controller/machinery/resources.ts';
import { event, failure, sample } from '../server/fixture.ts';
import { SUBJECTS, type Subject } from './subjects.ts';

describe.each(SUBJECTS)('the API %s', (_, open) => {
  let subject: Subject;
  beforeEach(async () => {
    subject = await open();
  });
  afterEach(() => subject.close());

  const bastions = () => subject.api.bastions;
  const create = (spec = {}, metadata = {}) => bastions().create(sample(spec, metadata));

  it('answers what was written with identity and defaults, and reads it back as the same', async () => {
    const created = await create({}, { labels: { team: 'a' } });
    expect(created).toMatchObject({
      apiVersion: 'bastion-operator.dev/v1alpha1',
      kind: 'Bastion',
      metadata: { name: 'orders', namespace: 'default', generation: 1, labels: { team: 'a' } },
      spec: { suspend: false, task: { cpu: 256 } },
    });
    expect(await bastions().get('default', 'orders')).toEqual(created);
    const { items, resourceVersion } = await bastions().list();
    expect(items).toEqual([created]);
    expect(Number(resourceVersion)).toBeGreaterThanOrEqual(Number(created.metadata.resourceVersion));
  });

  it('puts what names no namespace into default, and finds objects of all namespaces or one', async () => {
    await create();
    await create({}, { namespace: 'team-a' });
    const places = async (query: object) =>
      (await bastions().list(query)).items.map(({ metadata }) => metadata.namespace).sort();
    expect(await places({})).toEqual(['default', 'team-a']);
    expect(await places({ namespace: 'team-a' })).toEqual(['team-a']);
  });

  it('selects by name, by label and by field, all at once', async () => {
    await create({}, { name: 'one', labels: { team: 'a' } });
    await create({}, { name: 'two', labels: { team: 'b' } });
    await create({}, { name: 'two', namespace: 'other', labels: { team: 'b' } });
    const found = async (query: object) =>
      (await bastions().list(query)).items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    expect(await found({ name: 'two' })).toEqual(['default/two', 'other/two']);
    expect(await found({ labelSelector: 'team in (a,c)' })).toEqual(['default/one']);
    const fieldSelector = 'metadata.namespace=other';
    expect(await found({ name: 'two', fieldSelector, labelSelector: 'team!=a' })).toEqual(['other/two']);
    expect(await found({ name: 'none' })).toEqual([]);
  });

  it('refuses in the same words, with the same reason and causes', async () => {
    expect(await failure(bastions().get('default', 'orders'))).toBe(
      'NotFound: bastions.bastion-operator.dev "orders" not found',
    );
    expect(await failure(bastions().list({ labelSelector: '=' }))).toMatch(/^BadRequest: /);
    const error: ApiError = await create({ ttl: '1m', task: { cpu: 'x' } }).catch((thrown) => thrown);
    expect(error.reason).toBe('Invalid');
    expect(error.message).toContain('Bastion.bastion-operator.dev "orders" is invalid: ');
    expect(error.causes.map(({ field }) => field).sort()).toEqual(['spec.task.cpu', 'spec.ttl']);
    await create();
    expect(await failure(create())).toBe(
      'AlreadyExists: bastions.bastion-operator.dev "orders" already exists',
    );
  });

  it('replaces what has not changed since it was read, and nothing else', async () => {
    const first = await create();
    const second = await bastions().update({ ...first, spec: { ...first.spec, ttl: '8h' } });
    expect(second).toMatchObject({ metadata: { generation: 2 }, spec: { ttl: '8h' } });
    expect(await failure(bastions().update({ ...first, spec: { ...first.spec, ttl: '9h' } }))).toBe(
      'Conflict: Operation cannot be fulfilled on bastions.bastion-operator.dev "orders": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  it('keeps the status apart from the rest', async () => {
    const created = await create();
    const status: Bastion['status'] = { phase: 'Ready', observedGeneration: 1 };
    const updated = await bastions().update({ ...created, status });
    expect(updated.status).toBeUndefined();
  });

  it('merges a patch, and shows on a dry run what it would make', async () => {
    const before = await create();
    const dry = await bastions().patch('default', 'orders', { spec: { ttl: '5h' } }, { dryRun: true });
    expect(dry.spec.ttl).toBe('5h');
    expect(await bastions().get('default', 'orders')).toEqual(before);
    const after = await bastions().patch('default', 'orders', { spec: { ttl: '6h' } });
    expect(after).toMatchObject({ metadata: { generation: 2 }, spec: { ttl: '6h' } });
    const pinned = { metadata: { resourceVersion: before.metadata.resourceVersion }, spec: { ttl: '7h' } };
    expect(await failure(bastions().patch('default', 'orders', pinned))).toMatch(/^Conflict: /);
  });

  it('changes by a JSON patch', async () => {
    await create();
    const operations = [{ op: 'replace', path: '/spec/ttl', value: '5h' }];
    expect((await bastions().jsonPatch('default', 'orders', operations)).spec.ttl).toBe('5h');
    const missing = [{ op: 'remove', path: '/spec/nothing' }];
    expect(await failure(bastions().jsonPatch('default', 'orders', missing))).toMatch(
      /^(Invalid|BadRequest): /,
    );
  });

  it('applies what a manager says, and tells who owns what it may not change', async () => {
    const configuration = sample({ ttl: '4h' });
    const first = await bastions().apply('default', 'orders', configuration, { fieldManager: 'one' });
    expect(first.isCreated).toBe(true);
    const again = await bastions().apply('default', 'orders', configuration, { fieldManager: 'one' });
    expect(again.isCreated).toBe(false);
    const other = { ...configuration, spec: { ...(configuration['spec'] as object), ttl: '5h' } };
    const error: ApiError = await bastions()
      .apply('default', 'orders', other, { fieldManager: 'two' })
      .then(
        () => undefined,
        (thrown) => thrown,
      );
    expect(error.reason).toBe('Conflict');
    expect(error.causes.map(({ field, type }) => `${type} ${field}`)).toEqual([
      'FieldManagerConflict .spec.ttl',
    ]);
    const options = { fieldManager: 'two', force: true };
    expect((await bastions().apply('default', 'orders', other, options)).object.spec.ttl).toBe('5h');
  });

  it('answers a deletion with the object as it then is', async () => {
    const created = await create();
    const marked = await bastions().delete('default', 'orders');
    expect(marked.metadata).toMatchObject({ uid: created.metadata.uid, generation: 2 });
    expect(marked.metadata.deletionTimestamp).toBe('2026-11-23T09:00:00Z');
    await bastions().patch('default', 'orders', { metadata: { finalizers: null } });
    expect(await failure(bastions().get('default', 'orders'))).toMatch(/^NotFound: /);
    const made = await subject.api.events.create(event('one'));
    const gone = await subject.api.events.delete('default', 'one');
    expect(gone).toMatchObject({ kind: 'Event', metadata: { name: 'one', uid: made.metadata.uid } });
    expect(await failure(subject.api.events.delete('default', 'one'))).toMatch(/^NotFound: /);
  });

  it('deletes only what the preconditions name, and nothing on a dry run', async () => {
    const { metadata } = await create();
    const stale = { resourceVersion: `${Number(metadata.resourceVersion) + 1}` };
    expect(await failure(bastions().delete('default', 'orders', stale))).toMatch(/^Conflict: /);
    await bastions().delete('default', 'orders', { dryRun: true });
    const { metadata: after } = await bastions().get('default', 'orders');
    expect(after.deletionTimestamp).toBeUndefined();
  });

  it('gives a list in parts, each with what gets the next', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create({}, { name });
    const names: string[][] = [];
    let more: string | undefined;
    do {
      const part = await bastions().list({ limit: 2, ...(more === undefined ? {} : { continue: more }) });
      names.push(part.items.map(({ metadata }) => metadata.name));
      more = part.continue;
    } while (more !== undefined);
    expect(names).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('watches from a list on, in order, until told to stop', async () => {
    await create({}, { name: 'before' });
    const { resourceVersion: from } = await bastions().list();
    const watch = follow(bastions().watch.bind(bastions()), { from, labelSelector: 'team=a' });
    await create({}, { name: 'one', labels: { team: 'a' } });
    await create({}, { name: 'two' });
    await bastions().patch('default', 'one', { spec: { ttl: '5h' } });
    await bastions().patch('default', 'one', { metadata: { labels: null } });
    await expect.poll(() => watch.seen).toEqual(['ADDED one', 'MODIFIED one', 'DELETED one']);
    await watch.stop();
    await create({}, { name: 'three', labels: { team: 'a' } });
    expect(watch.seen).toHaveLength(3);
  });

  it('ends a watch that is told to stop before anything happened', async () => {
    const watch = follow(bastions().watch.bind(bastions()), { from: '0' });
    await watch.stop();
    expect(watch.seen).toEqual([]);
  });

  it('refuses a watch from what is no revision', async () => {
    const watching = bastions().watch({ from: 'soon' }, new AbortController().signal);
    expect(await failure(watching[Symbol.asyncIterator]().next())).toMatch(/^(BadRequest|Invalid): /);
  });
});

function follow(
  watch: (query: WatchQuery, signal: AbortSignal) => AsyncIterable<WatchEvent<Bastion>>,
  query: WatchQuery,
) {
  const end = new AbortController();
  const seen: string[] = [];
  const done = (async () => {
    for await (const { type, object } of watch(query, end.signal))
      seen.push(`${type} ${object.metadata.name}`);
  })();
  return {
    seen,
    stop: async () => {
      end.abort();
      await done;
    },
  };
}
