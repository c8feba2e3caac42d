import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bastionSchema } from '../../../controller/api/crd.ts';
import type { JsonObject } from '../../../controller/machinery/json.ts';
import { formatFields, parseFields } from '../../../controller/server/fields/fields-v1.ts';
import { applyConfiguration, trackUpdate } from '../../../controller/server/fields/index.ts';
import { API_VERSION } from './vectors.ts';

const NOW = '2026-11-23T09:00:00Z';
const HEADER = { apiVersion: API_VERSION, kind: 'Bastion' };
const COMMON = { schema: bastionSchema(), apiVersion: API_VERSION, now: NOW };

function bastion(spec: JsonObject, metadata: JsonObject = {}): JsonObject {
  return { ...HEADER, metadata: { name: 'orders', namespace: 'default', ...metadata }, spec };
}

function applied(stored: JsonObject | undefined, manager: string, configuration: JsonObject, force = false) {
  return applyConfiguration({ ...COMMON, stored, manager, configuration, force });
}

function managersOf({ metadata }: JsonObject): readonly string[] {
  const { managedFields = [] } = metadata as { managedFields?: readonly { manager: string }[] };
  return managedFields.map(({ manager }) => manager);
}

describe('applyConfiguration', () => {
  it('changes neither what is stored nor the configuration', () => {
    const { object } = applied(
      undefined,
      'a',
      bastion({ ttl: '4h', targets: [{ name: 'x', host: 'h', port: 1 }] }),
    );
    const configuration = bastion({ ttl: '4h', targets: [{ name: 'y', host: 'h', port: 1 }] });
    const before = structuredClone([object, configuration]);
    applied(object, 'a', configuration);
    expect([object, configuration]).toEqual(before);
  });

  it('leaves what is stored as it is when there are conflicts', () => {
    const stored = applied(undefined, 'a', bastion({ ttl: '4h' })).object;
    const { object, conflicts } = applied(stored, 'b', bastion({ ttl: '8h', reason: 'r' }));
    expect(object).toEqual(stored);
    expect(conflicts).toEqual([
      { manager: 'a', operation: 'Apply', apiVersion: API_VERSION, field: '.spec.ttl' },
    ]);
  });

  it('counts an object whose managed fields cannot be read as one that nobody owns yet', () => {
    const broken = [
      {
        manager: 'x',
        operation: 'Update',
        apiVersion: API_VERSION,
        fieldsType: 'FieldsV1',
        fieldsV1: { bad: {} },
      },
    ];
    const stored = bastion({ ttl: '4h', reason: 'r' }, { uid: '1', managedFields: broken });
    const { object, conflicts } = applied(stored, 'a', bastion({ reason: 'r' }));
    expect(conflicts).toEqual([]);
    expect(managersOf(object)).toEqual(['a', 'before-first-apply']);
  });

  it('forgets who wrote another version', () => {
    const fieldsV1 = { 'f:spec': { 'f:ttl': {} } };
    const entry = { manager: 'x', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1 };
    const managedFields = [
      { ...entry, apiVersion: 'bastion-operator.dev/v0' },
      { ...entry, apiVersion: API_VERSION, manager: 'y', fieldsV1: { 'f:spec': { 'f:reason': {} } } },
    ];
    const stored = bastion({ ttl: '4h', reason: 'r' }, { uid: '1', managedFields });
    const { object, conflicts } = applied(stored, 'a', bastion({ ttl: '8h' }));
    expect(conflicts).toEqual([]);
    expect(managersOf(object)).toEqual(['a', 'y']);
  });

  it('never throws, whatever is stored and whatever is sent', () => {
    const key = fc.constantFrom(
      'spec',
      'metadata',
      'status',
      'targets',
      'tags',
      'name',
      'labels',
      'managedFields',
      'x',
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(null, 1, 'a', true),
        fc.array(tie('value'), { maxLength: 3 }),
        tie('map'),
      ),
      map: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    }));
    const object = fc.dictionary(key, value, { maxKeys: 4 });
    fc.assert(
      fc.property(object, object, fc.boolean(), (stored, configuration, force) => {
        const { object: merged } = applied(
          { ...HEADER, ...stored },
          'kubectl',
          { ...HEADER, ...configuration },
          force,
        );
        trackUpdate({ ...COMMON, before: merged, after: { ...HEADER, ...stored }, manager: 'b' });
      }),
      { numRuns: 500 },
    );
  });

  it('gives back what is stored when the same is applied again', () => {
    const spec = fc.record({
      ttl: fc.constantFrom('4h', '8h'),
      tags: fc.dictionary(fc.constantFrom('a', 'b/c', '"'), fc.constantFrom('1', '2')),
      targets: fc
        .uniqueArray(fc.constantFrom('x', 'y', 'z'))
        .map((names) => names.map((name) => ({ name, host: 'h', port: 1 }))),
    });
    fc.assert(
      fc.property(spec, (sent) => {
        const stored = applied(undefined, 'a', bastion(sent)).object;
        expect(applied(stored, 'a', bastion(sent)).object).toEqual(stored);
      }),
      { numRuns: 100 },
    );
  });
});

describe('trackUpdate', () => {
  it('keeps ten updaters, and the oldest of the others as one', () => {
    let object = trackUpdate({ ...COMMON, before: undefined, after: bastion({ ttl: '4h' }), manager: 'm0' });
    for (let index = 1; index <= 30; index++) {
      const now = new Date(Date.UTC(2026, 10, 23, 9, index)).toISOString();
      const after = { ...object, spec: { ttl: '4h', tags: { [`t${index}`]: 'x' } } };
      object = trackUpdate({ ...COMMON, before: object, after, manager: `m${index}`, now });
    }
    // Each update took away the tag of the one before it, and so its manager; the first one has made the map.
    expect(managersOf(object)).toEqual(['m0', 'm1', 'm30']);
    for (let index = 1; index <= 30; index++) {
      const now = new Date(Date.UTC(2026, 10, 23, 10, index)).toISOString();
      const metadata = { ...(object['metadata'] as JsonObject) };
      metadata['labels'] = { ...(metadata['labels'] as JsonObject), [`l${index}`]: 'x' };
      object = trackUpdate({
        ...COMMON,
        before: object,
        after: { ...object, metadata },
        manager: `n${index}`,
        now,
      });
    }
    const managers = managersOf(object);
    expect(managers).toHaveLength(10);
    expect(managers[0]).toBe('ancient-changes');
    expect(managers.at(-1)).toBe('n30');
    const owned = JSON.stringify((object['metadata'] as JsonObject)['managedFields']);
    for (let index = 1; index <= 30; index++) expect(owned).toContain(`"f:l${index}"`);
  });
});

describe('FieldsV1', () => {
  it('is read and written the same', () => {
    const fields = {
      'f:spec': {
        '.': {},
        'f:network': { 'f:subnetIds': { '.': {}, 'v:"subnet-1"': {} } },
        'f:targets': { 'k:{"name":"orders"}': { '.': {}, 'f:port': {} }, 'k:{"ip":"a","port":1}': {} },
      },
      'i:0': {},
    };
    expect(formatFields(parseFields(fields))).toEqual(fields);
  });

  it.each([
    [{ bad: {} }],
    [{ 'v:': {} }],
    [{ 'v:{': {} }],
    [{ 'k:1': {} }],
    [{ 'i:one': {} }],
    [{ f: {} }],
    [{ 'f:a': 1 }],
    [[]],
    ['f:a'],
  ])('refuses %j', (fields) => {
    expect(() => parseFields(fields)).toThrow();
  });
});
