import { beforeEach, describe, expect, it } from 'vitest';
import { ANNOTATION, type Bastion } from '../../controller/api/bastion.ts';
import { GUARD_NAMESPACE, guardManifest } from '../../controller/api/guard.ts';
import type { ApiError } from '../../controller/machinery/api-error.ts';
import type { ApplyOptions } from '../../controller/machinery/resources.ts';
import { createFixture, event, FINALIZER, type Fixture, failure, sample } from './fixture.ts';

let fixture: Fixture;
beforeEach(() => {
  fixture = createFixture();
});

const VERSION = 'bastion-operator.dev/v1alpha1';
const bastions = () => fixture.api.bastions;
const stored = () => bastions().get('default', 'orders');
const revision = async () => (await bastions().list()).resourceVersion;
const by = (fieldManager: string) => ({ fieldManager });

function configuration(spec: object = sample().spec as object, metadata = {}) {
  const { apiVersion, kind } = sample();
  return { apiVersion, kind, metadata: { name: 'orders', ...metadata }, spec };
}

function apply(fieldManager: string, sent: object, options: Partial<ApplyOptions> = {}) {
  return bastions().apply('default', 'orders', sent, { fieldManager, ...options });
}

const owners = ({ metadata }: Bastion) =>
  (metadata.managedFields ?? []).map(
    ({ manager, operation, subresource }) =>
      `${manager} ${operation}${subresource === undefined ? '' : ` ${subresource}`}`,
  );

const ownedBy = ({ metadata }: Bastion, manager: string) =>
  metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;

describe('nobody keeps account of an object', () => {
  it('that was created, changed and given a status without a manager', async () => {
    await bastions().create(sample());
    await bastions().patch('default', 'orders', { spec: { ttl: '5h' } });
    await bastions().patch('default', 'orders', { spec: { ttl: '6h' } }, by('kubectl-edit'));
    await bastions().updateStatus({ ...(await stored()), status: { phase: 'Ready' } });
    expect((await stored()).metadata).not.toHaveProperty('managedFields');
  });

  it('that is an event', async () => {
    const { events } = fixture.api;
    const created = await events.create(event('e'), by('kubectl'));
    const patched = await events.patch('default', 'e', { count: 2 }, by('kubectl'));
    for (const { metadata } of [created, patched]) expect(metadata).not.toHaveProperty('managedFields');
    expect(await failure(events.apply('default', 'e', event('e'), by('kubectl')))).toMatch(
      'UnsupportedMediaType: the body of the request was in an unknown format - accepted media types include',
    );
  });
});

describe('an update', () => {
  it('is in the account from a creation on that names its manager', async () => {
    const created = await bastions().create(sample(), by('kubectl-create'));
    expect(created.metadata.managedFields).toMatchObject([
      {
        ...{ manager: 'kubectl-create', operation: 'Update', apiVersion: VERSION, fieldsType: 'FieldsV1' },
        time: '2026-11-23T09:00:00Z',
      },
    ]);
    expect(ownedBy(created, 'kubectl-create')).toMatchObject({ 'f:spec': { 'f:ttl': {} } });
    await fixture.clock.advance(60_000);
    const edited = await bastions().patch('default', 'orders', { spec: { ttl: '5h' } }, by('kubectl-edit'));
    expect(owners(edited)).toEqual(['kubectl-create Update', 'kubectl-edit Update']);
    expect(ownedBy(edited, 'kubectl-create')).not.toMatchObject({ 'f:spec': { 'f:ttl': {} } });
    expect(ownedBy(edited, 'kubectl-edit')).toEqual({ 'f:spec': { 'f:ttl': {} } });
    expect(await stored()).toEqual(edited);
  });

  it('leaves the finalizer of the server to nobody', async () => {
    const created = await bastions().create(sample(), by('kubectl-create'));
    expect(created.metadata.finalizers).toEqual([FINALIZER]);
    expect(JSON.stringify(created.metadata.managedFields)).not.toContain(FINALIZER);
  });

  it('is told from one of the status', async () => {
    const created = await bastions().create(sample(), by('kubectl-create'));
    const ready = await bastions().updateStatus({ ...created, status: { phase: 'Ready' } });
    expect(owners(ready)).toEqual(['bastion-controller Update status', 'kubectl-create Update']);
    expect(ownedBy(ready, 'bastion-controller')).toEqual({ 'f:status': { '.': {}, 'f:phase': {} } });
  });

  it('leaves no trace where it changes nothing', async () => {
    const created = await bastions().create(sample(), by('kubectl-create'));
    await fixture.clock.advance(60_000);
    expect(await bastions().update(created, by('kubectl-replace'))).toEqual(created);
    expect(await bastions().patch('default', 'orders', {}, by('kubectl-edit'))).toEqual(created);
    expect(await bastions().updateStatus(created)).toEqual(created);
    expect(await revision()).toBe('1');
  });

  it('refuses a manager that nobody could read', async () => {
    expect(await failure(bastions().create(sample(), by('x'.repeat(129))))).toMatch(
      'fieldManager: Too long: may not be more than 128 bytes',
    );
    expect(await failure(bastions().create(sample(), by('a\nb')))).toMatch(
      'should only contain printable characters',
    );
  });
});

describe('the account itself', () => {
  beforeEach(async () => {
    await bastions().create(sample(), by('kubectl-client-side-apply'));
  });

  const moved = async () => {
    const entries = (await stored()).metadata.managedFields ?? [];
    return entries.map((entry) => ({ ...entry, manager: 'kubectl', operation: 'Apply' as const }));
  };

  it('can be rewritten under a lock, as kubectl does when it moves to server-side apply', async () => {
    const operations = [
      { op: 'replace', path: '/metadata/managedFields', value: await moved() },
      { op: 'replace', path: '/metadata/resourceVersion', value: '1' },
    ];
    const patched = await bastions().jsonPatch('default', 'orders', operations, by('kubectl'));
    expect(owners(patched)).toEqual(['kubectl Apply']);
    expect(patched.metadata).toMatchObject({ generation: 1, resourceVersion: '2' });
    expect(await failure(bastions().jsonPatch('default', 'orders', operations))).toMatch('Conflict');
  });

  it.each([
    ['update', async () => bastions().update(withEntries(await stored(), [{}]))],
    ['patch', () => bastions().patch('default', 'orders', { metadata: { managedFields: [{}] } }, by('x'))],
    [
      'jsonPatch',
      () =>
        bastions().jsonPatch('default', 'orders', [
          { op: 'replace', path: '/metadata/managedFields', value: [{}] },
        ]),
    ],
  ])('is closed by one empty entry in %s', async (_verb, write) => {
    expect((await write()).metadata).not.toHaveProperty('managedFields');
    expect((await stored()).metadata).not.toHaveProperty('managedFields');
  });

  it('is left alone by clients that do not know it', async () => {
    const created = await stored();
    for (const entries of [[], undefined]) {
      expect(await bastions().update(withEntries(created, entries))).toEqual(created);
    }
    expect(await bastions().patch('default', 'orders', { metadata: { managedFields: null } })).toEqual(
      created,
    );
  });

  it('is not taken in a shape that says nothing', async () => {
    const [entry] = await moved();
    const write = (managedFields: unknown) =>
      failure(bastions().patch('default', 'orders', { metadata: { managedFields } }));
    expect(await write('all')).toMatch('metadata.managedFields: found "all", allowed: a list');
    expect(await write([{ ...entry, operation: 'Grab' }])).toMatch(
      'metadata.managedFields[0].operation: found "Grab", allowed: Apply, Update',
    );
    expect(await write([{ ...entry, fieldsV1: 'x' }])).toMatch('metadata.managedFields[0].fieldsV1');
    expect(await revision()).toBe('1');
  });
});

describe('an apply', () => {
  it('creates what is not there, with identity, defaults and finalizer', async () => {
    const { object, isCreated } = await apply('alice', configuration());
    expect(isCreated).toBe(true);
    expect(object).toMatchObject({
      spec: { suspend: false },
      metadata: { uid: 'uid-1', generation: 1, resourceVersion: '1', finalizers: [FINALIZER] },
    });
    expect(owners(object)).toEqual(['alice Apply']);
    expect(ownedBy(object, 'alice')).not.toMatchObject({ 'f:spec': { 'f:suspend': {} } });
    expect(await stored()).toEqual(object);
  });

  it('changes nothing, not even a time, when it says the same again', async () => {
    const first = await apply('alice', configuration());
    await fixture.clock.advance(60_000);
    expect(await apply('alice', configuration())).toEqual({ object: first.object, isCreated: false });
    expect(await revision()).toBe('1');
  });

  it('changes, removes what it no longer says, and lets a default come back', async () => {
    const spec = { ...(sample().spec as object), reason: 'why', suspend: true };
    await apply('alice', configuration(spec, { labels: { a: '1', b: '2' } }));
    const { object } = await apply(
      'alice',
      configuration({ ...(sample().spec as object), ttl: '5h' }, { labels: { a: '1' } }),
    );
    expect(object).toMatchObject({ spec: { ttl: '5h', suspend: false }, metadata: { generation: 2 } });
    expect(object.spec).not.toHaveProperty('reason');
    expect(object.metadata.labels).toEqual({ a: '1' });
  });

  it('conflicts with who owns another value, in the words of Kubernetes', async () => {
    await bastions().create(sample(), by('kubectl-client-side-apply'));
    const error: ApiError = await apply('alice', configuration({ ttl: '5h' })).catch((thrown) => thrown);
    expect(`${error.reason}: ${error.message}`).toBe(
      `Conflict: Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using ${VERSION}: .spec.ttl`,
    );
    expect(error.causes).toEqual([
      {
        type: 'FieldManagerConflict',
        field: '.spec.ttl',
        message: `conflict with "kubectl-client-side-apply" using ${VERSION}`,
      },
    ]);
    expect(await revision()).toBe('1');
  });

  it('names every conflict, manager by manager', async () => {
    await apply('bob', configuration({ ...(sample().spec as object), reason: 'why' }));
    await bastions().patch('default', 'orders', { spec: { suspend: true } }, by('kubectl-edit'));
    const sent = configuration({ ttl: '5h', reason: 'because', suspend: false });
    expect(await failure(apply('alice', sent))).toBe(
      'Conflict: Apply failed with 3 conflicts: conflicts with "bob":\n- .spec.reason\n- .spec.ttl\n' +
        `conflicts with "kubectl-edit" using ${VERSION}:\n- .spec.suspend`,
    );
  });

  it('takes over with force, and shares what is the same', async () => {
    await apply('bob', configuration());
    const shared = await apply('alice', configuration({ ttl: '4h' }));
    expect(owners(shared.object).sort()).toEqual(['alice Apply', 'bob Apply']);
    expect(shared.object.metadata).toMatchObject({ generation: 1, resourceVersion: '2' });
    const { object } = await apply('alice', configuration({ ttl: '5h' }), { force: true });
    expect(object.spec.ttl).toBe('5h');
    expect(ownedBy(object, 'alice')).toEqual({ 'f:spec': { 'f:ttl': {} } });
    expect(ownedBy(object, 'bob')).not.toMatchObject({ 'f:spec': { 'f:ttl': {} } });
  });

  it('opens the account of an object that had none', async () => {
    await bastions().create(sample());
    expect(await failure(apply('alice', configuration({ ttl: '5h' })))).toBe(
      `Conflict: Apply failed with 1 conflict: conflict with "before-first-apply" using ${VERSION}: .spec.ttl`,
    );
    const { object } = await apply('alice', configuration({ ttl: '5h' }), { force: true });
    expect(owners(object)).toEqual(['alice Apply', 'before-first-apply Update']);
  });

  it('never takes the teardown finalizer off by leaving it out', async () => {
    await apply('alice', configuration(undefined, { finalizers: [FINALIZER, 'example.com/audit'] }));
    const { object } = await apply('alice', configuration());
    expect(object.metadata.finalizers).toEqual([FINALIZER]);
    await bastions().delete('default', 'orders');
    await apply('alice', configuration());
    expect((await stored()).metadata.finalizers).toEqual([FINALIZER]);
  });

  it('starts over when somebody else is quicker, to change or to create', async () => {
    fixture.interpose(() => bastions().create(sample({ reason: 'quicker' })));
    const { isCreated, object } = await apply('alice', configuration());
    expect({ isCreated, reason: object.spec.reason }).toEqual({ isCreated: false, reason: 'quicker' });
    fixture.interpose(() => bastions().patch('default', 'orders', { metadata: { labels: { b: '2' } } }));
    await apply('alice', configuration(undefined, { labels: { a: '1' } }));
    expect((await stored()).metadata.labels).toEqual({ a: '1', b: '2' });
  });

  it('tells what it would do on a dry run', async () => {
    expect((await apply('alice', configuration(), { dryRun: true })).isCreated).toBe(true);
    expect((await bastions().list()).items).toEqual([]);
    const { object } = await apply('alice', configuration());
    const dry = await apply('alice', configuration({ ttl: '9h' }), { dryRun: true }).catch((error) => error);
    expect(dry.message).toMatch('spec.network: required but missing');
    await apply('alice', configuration({ ...(sample().spec as object), ttl: '9h' }), { dryRun: true });
    expect(await stored()).toEqual(object);
  });

  it.each([
    [{ kind: 'Pod' }, 'kind: found "Pod", allowed in an apply to this resource: Bastion'],
    [{ apiVersion: 'v1' }, `apiVersion: found "v1", allowed in an apply to this resource: ${VERSION}`],
    [{ metadata: {} }, 'metadata.name must be provided'],
    [
      { metadata: { name: 'other' } },
      'the name of the object (other) does not match the name on the URL (orders)',
    ],
    [
      { metadata: { name: 'orders', namespace: 'prod' } },
      'the namespace of the object (prod) does not match the namespace on the request (default)',
    ],
    [{ metadata: { name: 'orders', managedFields: [] } }, 'metadata.managedFields must be nil'],
    [
      { metadata: { name: 'orders', resourceVersion: '7' } },
      'resourceVersion should not be set on objects to be created; leave it out',
    ],
  ])('needs a configuration of that object: not %j', async (part, message) => {
    expect(await failure(apply('alice', { ...configuration(), ...part }))).toBe(`BadRequest: ${message}`);
    expect((await bastions().list()).items).toEqual([]);
  });

  it('needs a manager, validity, and the object that it means', async () => {
    expect(await failure(apply('', configuration()))).toBe(
      'Invalid: PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
    expect(await failure(apply('alice', configuration({ ttl: '1m' })))).toMatch('spec.ttl: found "1m"');
    expect(await failure(apply('alice', configuration(undefined, { uid: 'gone' })))).toBe(
      'Conflict: Operation cannot be fulfilled on bastions.bastion-operator.dev "orders": uid mismatch: the provided object specified uid gone, and no existing object was found',
    );
    await apply('alice', configuration());
    expect(await failure(apply('alice', configuration(undefined, { uid: 'gone' })))).toMatch('Conflict');
    expect(await failure(apply('alice', configuration(undefined, { resourceVersion: '9' })))).toMatch(
      'the object has been modified',
    );
  });

  it('owns and changes the status through its own door alone', async () => {
    const asStatus = { subresource: 'status' } as const;
    const sent = { ...configuration({ ttl: '9h' }), status: { phase: 'Ready' } };
    expect(await failure(apply('ctl', sent, asStatus))).toMatch('NotFound');
    const { object: first } = await apply('alice', { ...configuration(), status: { phase: 'Failed' } });
    expect(first).not.toHaveProperty('status');
    const { object } = await apply('ctl', sent, asStatus);
    expect(object).toMatchObject({ spec: first.spec, status: { phase: 'Ready' } });
    expect(owners(object).sort()).toEqual(['alice Apply', 'ctl Apply status']);
    expect(await failure(apply('ctl', { ...sent, status: { phase: 'Bored' } }, asStatus))).toMatch(
      'status.phase',
    );
    expect(await failure(apply('eve', { ...sent, status: { phase: 'Failed' } }, asStatus))).toBe(
      'Conflict: Apply failed with 1 conflict: conflict with "ctl" with subresource "status": .status.phase',
    );
  });

  it('is for guards too', async () => {
    const { guards } = fixture.api;
    const manifest = guardManifest('g');
    const sent = { ...manifest, metadata: { ...manifest.metadata, annotations: { note: '1' } } };
    const { isCreated } = await guards.apply(GUARD_NAMESPACE, 'g', sent, by('alice'));
    expect(isCreated).toBe(true);
    const { object } = await guards.apply(GUARD_NAMESPACE, 'g', manifest, by('alice'));
    expect(object.metadata).not.toHaveProperty('annotations');
  });
});

describe('an apply by kubectl to what kubectl applied from the client', () => {
  const annotated = (spec: object) => {
    const applied = `${JSON.stringify(configuration(spec, { namespace: 'default' }))}\n`;
    return sample(spec, { annotations: { [ANNOTATION.lastApplied]: applied } });
  };

  it('does not conflict with its own last wish, and writes the new one down', async () => {
    await bastions().create(annotated({}), by('kubectl-client-side-apply'));
    const { spec } = await stored();
    const whole = annotated({ ...spec });
    const { resourceVersion } = (await stored()).metadata;
    const applied = { ...whole, metadata: { ...whole.metadata, resourceVersion } };
    await bastions().update(applied, by('kubectl-client-side-apply'));
    const sent = configuration({ ...spec, ttl: '5h' });
    expect(await failure(apply('alice', sent))).toMatch('Apply failed with');
    const { object } = await apply('kubectl', sent);
    expect(object.spec.ttl).toBe('5h');
    const text = object.metadata.annotations?.[ANNOTATION.lastApplied] ?? '';
    expect(JSON.parse(text)).toMatchObject({ spec: { ttl: '5h' } });
  });

  it('conflicts where somebody else has changed it since', async () => {
    const { spec } = sample() as unknown as Bastion;
    await bastions().create(annotated({ ...spec }), by('kubectl-client-side-apply'));
    await bastions().patch('default', 'orders', { spec: { ttl: '6h' } }, by('kubectl-edit'));
    expect(await failure(apply('kubectl', configuration({ ...spec, ttl: '5h' })))).toBe(
      `Conflict: Apply failed with 1 conflict: conflict with "kubectl-edit" using ${VERSION}: .spec.ttl`,
    );
  });
});

function withEntries(bastion: Bastion, managedFields: readonly object[] | undefined) {
  return { ...bastion, metadata: { ...bastion.metadata, managedFields } } as unknown as Bastion;
}
