import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiError } from '../../controller/machinery/api-error.ts';
import { createFixture, event, type Fixture, failure, sample } from './fixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = createFixture();
  await fixture.api.bastions.create(
    sample({ targets: [{ name: 'a', host: 'h', port: 1 }] }, { labels: { 'example.com/team': 'a' } }),
  );
});

const bastions = () => fixture.api.bastions;
const stored = () => bastions().get('default', 'orders');
const jsonPatch = (...operations: object[]) => bastions().jsonPatch('default', 'orders', operations);
const revision = async () => (await bastions().list()).resourceVersion;
const REJECTED = 'Invalid: the server rejected our request due to an error in our request: ';

describe('a JSON patch', () => {
  it('adds, replaces, removes, moves, copies and tests, one after the other', async () => {
    const patched = await jsonPatch(
      { op: 'test', path: '/spec/ttl', value: '4h' },
      { op: 'replace', path: '/spec/ttl', value: '5h' },
      { op: 'add', path: '/spec/targets/-', value: { name: 'b', host: 'h', port: 2 } },
      { op: 'add', path: '/spec/targets/0', value: { name: 'c', host: 'h', port: 3 } },
      { op: 'move', from: '/metadata/labels/example.com~1team', path: '/metadata/labels/team' },
      { op: 'copy', from: '/spec/ttl', path: '/spec/reason' },
      { op: 'remove', path: '/spec/targets/1' },
    );
    expect(patched).toMatchObject({
      spec: { ttl: '5h', reason: '5h' },
      metadata: { generation: 2, resourceVersion: '2' },
    });
    expect(patched.spec.targets?.map(({ name }) => name)).toEqual(['c', 'b']);
    expect(patched.metadata.labels).toEqual({ team: 'a' });
    expect(await stored()).toEqual(patched);
  });

  it('writes nothing when it changes nothing', async () => {
    const before = await stored();
    expect(await jsonPatch({ op: 'replace', path: '/spec/ttl', value: '4h' })).toEqual(before);
    expect(await jsonPatch()).toEqual(before);
    expect(await revision()).toBe('1');
  });

  it.each([
    [
      { op: 'test', path: '/spec/ttl', value: '5h' },
      'testing value /spec/ttl failed: found "4h", the patch expects "5h"',
    ],
    [{ op: 'test', path: '/spec/none', value: 1 }, 'testing path /spec/none failed: missing value'],
    [
      { op: 'replace', path: '/spec/none', value: 1 },
      'replace operation does not apply: doc is missing key: /spec/none: missing value',
    ],
    [
      { op: 'remove', path: '/spec/targets/7' },
      'remove operation does not apply: doc is missing key: /spec/targets/7: missing value',
    ],
    [
      { op: 'replace', path: '/spec/targets/-1', value: {} },
      'replace operation does not apply: doc is missing key: /spec/targets/-1: missing value',
    ],
    [
      { op: 'add', path: '/spec/none/deep', value: 1 },
      'add operation does not apply: doc is missing path: /spec/none/deep: missing value',
    ],
    [
      { op: 'add', path: '/__proto__/polluted', value: 1 },
      'add operation does not apply: doc is missing path: /__proto__/polluted: missing value',
    ],
    [
      { op: 'copy', from: '/spec/toString', path: '/spec/reason' },
      'copy operation does not apply: doc is missing from path: /spec/toString: missing value',
    ],
    [
      { op: 'add', path: '', value: {} },
      'add operation does not apply: the whole object cannot be changed at once',
    ],
  ])('is rejected as a whole where %j does not apply', async (operation, why) => {
    const first = { op: 'replace', path: '/spec/ttl', value: '9h' };
    const operations = operation.op === 'test' ? [operation] : [first, operation];
    const error: ApiError = await jsonPatch(...operations).catch((thrown) => thrown);
    expect(`${error.reason}: ${error.message}`).toBe(REJECTED + why);
    expect(error.causes).toMatchObject([{ type: 'Invalid', message: why }]);
    expect(await revision()).toBe('1');
    expect({}).not.toHaveProperty('polluted');
  });

  it.each([
    [{ op: 'add' }, 'the patch: found an object, allowed: a list of JSON patch operations'],
    [[7], 'the patch: operation 0: found 7 (a number), allowed: an object'],
    [
      [{ op: 'merge', path: '/spec' }],
      'the patch: operation 0: op: found "merge", allowed: add, remove, replace, move, copy, test',
    ],
    [
      [{ op: 'toString', path: '/spec' }],
      'the patch: operation 0: op: found "toString", allowed: add, remove, replace, move, copy, test',
    ],
    [[{ op: 'add', path: '/spec/ttl' }], 'the patch: operation 0: value: required but missing'],
    [[{ op: 'move', path: '/spec/ttl' }], 'the patch: operation 0: from: required but missing'],
    [
      [{ op: 'remove', path: 'spec' }],
      'the patch: operation 0: path: found "spec" (a string), allowed: a JSON pointer such as /spec/ttl',
    ],
    [
      [{ op: 'remove', path: '/a~2' }],
      'the patch: operation 0: path: found "/a~2" (a string), allowed: a JSON pointer such as /spec/ttl',
    ],
  ])('is malformed as %j', async (operations, message) => {
    expect(await failure(bastions().jsonPatch('default', 'orders', operations))).toBe(
      `BadRequest: ${message}`,
    );
  });

  it('cannot fill the memory by copying', async () => {
    const doubling = Array.from({ length: 60 }, (_, index) => ({
      ...{ op: 'copy', from: '/metadata/labels', path: `/metadata/labels/x${index}` },
    }));
    const start = { op: 'add', path: '/metadata/labels/y', value: 'y'.repeat(1000) };
    expect(await failure(jsonPatch(start, ...doubling))).toBe(
      `${REJECTED}copies more than 3145728 characters`,
    );
    const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'Bastion' }));
    expect(await failure(jsonPatch(...many))).toBe(
      'RequestEntityTooLarge: The allowed maximum operations in a JSON patch is 10000, got 10001',
    );
  });

  it('leaves name, identity and validity as they must be', async () => {
    expect(await failure(jsonPatch({ op: 'replace', path: '/metadata/name', value: 'x' }))).toMatch(
      'metadata.name: found "x" (a string), allowed: "orders", since it cannot be changed',
    );
    expect(await failure(jsonPatch({ op: 'remove', path: '/metadata' }))).toMatch(
      'metadata.name: found nothing',
    );
    expect(await failure(jsonPatch({ op: 'replace', path: '/spec/ttl', value: '1m' }))).toMatch(
      'Invalid: Bastion.bastion-operator.dev "orders" is invalid: spec.ttl',
    );
    expect(await failure(bastions().jsonPatch('default', 'none', []))).toBe(
      'NotFound: bastions.bastion-operator.dev "none" not found',
    );
  });

  it('takes a resourceVersion that it sets as a precondition, and starts over otherwise', async () => {
    const lock = { op: 'replace', path: '/metadata/resourceVersion', value: '1' };
    const change = { op: 'replace', path: '/spec/ttl', value: '5h' };
    fixture.interpose(() => bastions().patch('default', 'orders', { spec: { reason: 'quicker' } }));
    expect(await failure(jsonPatch(lock, change))).toMatch(
      'Conflict: Operation cannot be fulfilled on bastions.bastion-operator.dev "orders": the object has been modified',
    );
    fixture.interpose(() => bastions().patch('default', 'orders', { spec: { reason: 'quicker again' } }));
    expect(await jsonPatch(change)).toMatchObject({ spec: { ttl: '5h', reason: 'quicker again' } });
  });

  it('tells what it would do on a dry run, and changes events too', async () => {
    const before = await stored();
    const operations = [{ op: 'replace', path: '/spec/ttl', value: '5h' }];
    const dry = await bastions().jsonPatch('default', 'orders', operations, { dryRun: true });
    expect(dry).toMatchObject({ spec: { ttl: '5h' }, metadata: { generation: 2, resourceVersion: '1' } });
    expect(await stored()).toEqual(before);
    await fixture.api.events.create(event('e'));
    const count = [{ op: 'replace', path: '/count', value: 2 }];
    expect(await fixture.api.events.jsonPatch('default', 'e', count)).toMatchObject({ count: 2 });
  });

  it('can remove the last finalizer of what is being deleted', async () => {
    await bastions().delete('default', 'orders');
    await jsonPatch({ op: 'remove', path: '/metadata/finalizers' });
    expect((await bastions().list()).items).toEqual([]);
  });
});

describe('the status subresource', () => {
  const asStatus = { subresource: 'status' } as const;

  it('is all that a patch of it changes', async () => {
    const before = await stored();
    const patch = { status: { phase: 'Ready' }, spec: { ttl: '5h' }, metadata: { labels: { a: 'b' } } };
    const merged = await bastions().patch('default', 'orders', patch, asStatus);
    expect(merged).toEqual({
      ...before,
      metadata: { ...before.metadata, resourceVersion: '2' },
      status: { phase: 'Ready' },
    });
    const operations = [
      { op: 'replace', path: '/status/phase', value: 'Failed' },
      { op: 'replace', path: '/spec/ttl', value: '6h' },
    ];
    const patched = await bastions().jsonPatch('default', 'orders', operations, asStatus);
    expect(patched).toMatchObject({ spec: { ttl: '4h' }, status: { phase: 'Failed' } });
  });

  it('is left alone by a patch of all but it', async () => {
    await bastions().patch('default', 'orders', { status: { phase: 'Ready' } }, asStatus);
    await jsonPatch({ op: 'remove', path: '/status' }, { op: 'replace', path: '/spec/ttl', value: '5h' });
    expect(await stored()).toMatchObject({ spec: { ttl: '5h' }, status: { phase: 'Ready' } });
  });

  it('is checked, and takes the preconditions of the patch', async () => {
    expect(
      await failure(bastions().patch('default', 'orders', { status: { phase: 'Bored' } }, asStatus)),
    ).toMatch('Invalid: Bastion.bastion-operator.dev "orders" is invalid: status.phase: found "Bored"');
    const stale = { metadata: { resourceVersion: '9' }, status: { phase: 'Ready' } };
    expect(await failure(bastions().patch('default', 'orders', stale, asStatus))).toMatch('Conflict');
    expect(await revision()).toBe('1');
  });

  it('does all but the write on a dry run', async () => {
    const before = await stored();
    const sent = { ...before, status: { phase: 'Ready' as const } };
    expect(await bastions().updateStatus(sent, { dryRun: true })).toMatchObject({
      status: { phase: 'Ready' },
    });
    expect(await bastions().patch('default', 'orders', sent, { ...asStatus, dryRun: true })).toEqual(sent);
    expect(await stored()).toEqual(before);
  });

  it('does not exist for an event', async () => {
    await fixture.api.events.create(event('e'));
    expect(await failure(fixture.api.events.patch('default', 'e', {}, asStatus))).toBe(
      'NotFound: the server could not find the requested resource',
    );
  });
});

describe('a deletion', () => {
  it('takes a uid as a precondition, also when the object changes meanwhile', async () => {
    expect(await failure(bastions().delete('default', 'orders', { uid: 'other' }))).toBe(
      'Conflict: Operation cannot be fulfilled on bastions.bastion-operator.dev "orders": the UID in the precondition (other) does not match the UID in record (uid-1). The object might have been deleted and then recreated',
    );
    fixture.interpose(() => bastions().patch('default', 'orders', { spec: { ttl: '5h' } }));
    const marked = await bastions().delete('default', 'orders', { uid: 'uid-1' });
    expect(marked).toMatchObject({ spec: { ttl: '5h' }, metadata: { generation: 3 } });
    expect(marked.metadata).toHaveProperty('deletionTimestamp');
  });

  it('checks its preconditions on a dry run too, and deletes nothing', async () => {
    const dry = { uid: 'uid-1', dryRun: true };
    expect((await bastions().delete('default', 'orders', dry)).metadata).toHaveProperty('deletionTimestamp');
    expect((await stored()).metadata).not.toHaveProperty('deletionTimestamp');
    expect(await failure(bastions().delete('default', 'orders', { ...dry, uid: 'x' }))).toMatch('Conflict');
  });
});
