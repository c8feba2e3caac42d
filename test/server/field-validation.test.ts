import { beforeEach, describe, expect, it } from 'vitest';
import { guardManifest } from '../../controller/api/guard.ts';
import type { FieldValidation, WriteOptions } from '../../controller/machinery/resources.ts';
import { createFixture, event, type Fixture, failure, sample } from './fixture.ts';

let fixture: Fixture;
let warnings: string[];
beforeEach(() => {
  fixture = createFixture();
  warnings = [];
});

const bastions = () => fixture.api.bastions;
const as = (fieldValidation: FieldValidation): WriteOptions => ({
  fieldValidation,
  onWarning: (message) => warnings.push(message),
});
const TARGETS = [{ name: 'a', host: 'h', port: 1, y: 1 }];
const MISSPELT = () => ({ ...sample({ cpu: 1, targets: TARGETS }, { colour: 'red' }), zone: 'b' });
const UNKNOWN = ['metadata.colour', 'spec.cpu', 'spec.targets[0].y', 'zone'].map(
  (path) => `unknown field "${path}"`,
);
const STRICT =
  'BadRequest: Bastion in version "v1alpha1" cannot be handled as a Bastion: strict decoding error: ';

describe('unknown fields', () => {
  it('are refused with a hint when nothing is said about them', async () => {
    expect(
      await failure(bastions().create(sample({ cpu: 1 }), { onWarning: (w) => warnings.push(w) })),
    ).toMatch(
      'Invalid: Bastion.bastion-operator.dev "orders" is invalid: spec.cpu: unknown field, did you mean spec.task.cpu?',
    );
    expect(warnings).toEqual([]);
  });

  it('are all named by Strict', async () => {
    expect(await failure(bastions().create(MISSPELT(), as('Strict')))).toBe(STRICT + UNKNOWN.join(', '));
    expect((await bastions().list()).items).toEqual([]);
  });

  it('are dropped and told by Warn', async () => {
    const created = await bastions().create(MISSPELT(), as('Warn'));
    expect(warnings).toEqual(UNKNOWN);
    expect(created).not.toHaveProperty('zone');
    expect(created.metadata).not.toHaveProperty('colour');
    expect(created.spec).not.toHaveProperty('cpu');
    expect(created.spec.targets).toEqual([{ name: 'a', host: 'h', port: 1 }]);
  });

  it('are dropped in silence by Ignore', async () => {
    const created = await bastions().create(MISSPELT(), as('Ignore'));
    expect(created.spec).not.toHaveProperty('cpu');
    expect(warnings).toEqual([]);
  });

  it('do not hide what is wrong with the known ones, and no warning is given for a write that failed', async () => {
    expect(await failure(bastions().create(sample({ ttl: '1m', cpu: 1 }), as('Warn')))).toBe(
      'Invalid: Bastion.bastion-operator.dev "orders" is invalid: spec.ttl: found "1m", allowed: from 5m to 168h',
    );
    expect(warnings).toEqual([]);
  });

  it('may be what people call their labels, annotations and tags', async () => {
    const manifest = sample({ tags: { anything: 'x' } }, { labels: { cpu: 'y' }, annotations: { z: 'z' } });
    await bastions().create(manifest, as('Strict'));
    expect(await bastions().get('default', 'orders')).toMatchObject({ spec: { tags: { anything: 'x' } } });
  });
});

describe('unknown fields of a change', () => {
  beforeEach(async () => {
    await bastions().create(sample());
  });

  it.each([
    ['update', () => update({ cpu: 1 })],
    ['patch', () => bastions().patch('default', 'orders', { spec: { cpu: 1 } }, as('Strict'))],
    ['jsonPatch', () => bastions().jsonPatch('default', 'orders', [ADD_CPU], as('Strict'))],
    ['apply', () => apply({ cpu: 1 }, 'Strict')],
  ])('are refused by Strict in %s', async (_verb, write) => {
    expect(await failure(write())).toBe(`${STRICT}unknown field "spec.cpu"`);
    expect((await bastions().list()).resourceVersion).toBe('1');
  });

  it.each([
    ['patch', () => bastions().patch('default', 'orders', { spec: { cpu: 1, ttl: '5h' } }, as('Warn'))],
    ['jsonPatch', () => bastions().jsonPatch('default', 'orders', [ADD_CPU, SET_TTL], as('Warn'))],
    ['apply', () => apply({ cpu: 1, ttl: '5h' }, 'Warn')],
  ])('are dropped and told by Warn in %s', async (_verb, write) => {
    await write();
    const { spec } = await bastions().get('default', 'orders');
    expect(spec.ttl).toBe('5h');
    expect(spec).not.toHaveProperty('cpu');
    expect(warnings).toEqual(['unknown field "spec.cpu"']);
  });

  it('are refused with a hint in an apply that says nothing about them', async () => {
    expect(await failure(apply({ cpu: 1 }))).toMatch('spec.cpu: unknown field, did you mean spec.task.cpu?');
  });

  it('are told once when somebody else was quicker', async () => {
    fixture.interpose(() => bastions().patch('default', 'orders', { spec: { reason: 'quicker' } }));
    await bastions().patch('default', 'orders', { spec: { cpu: 1, ttl: '5h' } }, as('Warn'));
    expect(warnings).toEqual(['unknown field "spec.cpu"']);
  });

  it('are not the fault of who finds them there', async () => {
    const first = await bastions().get('default', 'orders');
    const older = { ...first, spec: { ...first.spec, retired: 1 } };
    await fixture.store.put('bastions', older, '1');
    const patched = await bastions().patch('default', 'orders', { spec: { ttl: '5h' } }, as('Strict'));
    expect(patched.spec).not.toHaveProperty('retired');
    expect(await failure(bastions().patch('default', 'orders', { spec: { cpu: 1 } }, as('Strict')))).toBe(
      `${STRICT}unknown field "spec.cpu"`,
    );
  });

  it('are looked for in a status too', async () => {
    const sent = { ...(await bastions().get('default', 'orders')), status: { phase: 'Ready', mood: 'good' } };
    expect(await failure(bastions().updateStatus(sent as never, as('Strict')))).toBe(
      `${STRICT}unknown field "status.mood"`,
    );
    expect(await bastions().updateStatus(sent as never, as('Warn'))).toMatchObject({
      status: { phase: 'Ready' },
    });
    expect(warnings).toEqual(['unknown field "status.mood"']);
  });
});

it('knows the fields of guards and events', async () => {
  const { guards, events } = fixture.api;
  expect(await failure(guards.create({ ...guardManifest('a'), spec: {} }, as('Strict')))).toBe(
    'BadRequest: Guard in version "v1alpha1" cannot be handled as a Guard: strict decoding error: unknown field "spec"',
  );
  expect(await failure(events.create(event('e', { series: { count: 2 }, mood: 'good' }), as('Strict')))).toBe(
    'BadRequest: Event in version "v1" cannot be handled as a Event: strict decoding error: unknown field "mood"',
  );
  expect(await events.create(event('e', { series: { count: 2 }, mood: 'good' }), as('Ignore'))).toMatchObject(
    {
      series: { count: 2 },
    },
  );
});

const ADD_CPU = { op: 'add', path: '/spec/cpu', value: 1 };
const SET_TTL = { op: 'replace', path: '/spec/ttl', value: '5h' };

function update(spec: object) {
  return bastions().update(sample(spec, { resourceVersion: '1' }), as('Strict'));
}

function apply(spec: object, fieldValidation?: FieldValidation) {
  const { metadata, ...header } = sample();
  const configuration = { ...header, metadata: { name: metadata.name }, spec };
  const options = fieldValidation ? as(fieldValidation) : {};
  return bastions().apply('default', 'orders', configuration, {
    ...options,
    fieldManager: 'tests',
    force: true,
  });
}
