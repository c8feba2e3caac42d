import { describe, expect, it } from 'vitest';
import { compileRule, toCel } from '../../controller/machinery/cel.ts';
import { checkLists, checkRules } from '../../controller/machinery/rules.ts';
import type { StructuralSchema } from '../../controller/machinery/structural-schema.ts';

const SCHEMA: StructuralSchema = {
  type: 'object',
  'x-kubernetes-validations': [
    {
      rule: "!has(self.mode) || self.mode == oldSelf.mode || oldSelf.mode == 'Open'",
      message: 'mode is fixed',
    },
    {
      rule: 'self.min <= self.max',
      message: 'min is above max',
      fieldPath: '.min',
      reason: 'FieldValueForbidden',
    },
  ],
  properties: {
    mode: { type: 'string' },
    min: { type: 'integer' },
    max: { type: 'integer' },
    at: {
      type: 'string',
      format: 'date-time',
      'x-kubernetes-validations': [{ rule: "self < timestamp('2030-01-01T00:00:00Z')", message: 'too late' }],
    },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          port: {
            type: 'integer',
            'x-kubernetes-validations': [{ rule: 'self >= oldSelf', message: 'shrank' }],
          },
        },
      },
    },
  },
};

function check(value: object, old?: object, known: Parameters<typeof checkRules>[1] = []) {
  const place = { schema: SCHEMA, value, old, field: '' };
  return checkRules(place, known).map(({ field, type, message }) => `${field} ${type} ${message}`);
}

describe('CEL rules', () => {
  it('hold silently', () => {
    expect(check({ min: 1, max: 2, at: '2029-01-01T00:00:00Z' })).toEqual([]);
  });

  it('report message, reason and field path', () => {
    expect(check({ min: 3, max: 2, at: '2031-01-01T00:00:00Z' })).toEqual([
      'min Forbidden min is above max',
      'at Invalid too late',
    ]);
  });

  it('see integers as int64, also in arithmetic', () => {
    expect(toCel({ type: 'integer' }, 5)).toBe(5n);
    expect(compileRule({ rule: 'self / 2 == 2' }).evaluate(5n)).toBeUndefined();
  });

  it('run transition rules on updates only, and pair the items of a map list by key', () => {
    const base = { min: 1, max: 2 };
    expect(check({ ...base, mode: 'Shut' })).toEqual([]);
    expect(check({ ...base, mode: 'Open' }, { ...base, mode: 'Shut' })).toEqual([' Invalid mode is fixed']);
    expect(check({ ...base, mode: 'Shut' }, { ...base, mode: 'Open' })).toEqual([]);
    const before = {
      ...base,
      mode: 'Open',
      ports: [
        { name: 'a', port: 5 },
        { name: 'b', port: 9 },
      ],
    };
    const after = {
      ...base,
      mode: 'Open',
      ports: [
        { name: 'b', port: 8 },
        { name: 'a', port: 6 },
        { name: 'c', port: 1 },
      ],
    };
    expect(check(after, before)).toEqual(['ports[0].port Invalid shrank']);
  });

  it('stay silent about fields that are in error already', () => {
    const known = [{ field: 'max', type: 'TypeInvalid', message: 'found "x"' } as const];
    expect(check({ min: 3, max: 'x' }, undefined, known)).toEqual([]);
  });

  it('report a rule that cannot be evaluated', () => {
    expect(check({ min: 3 })).toEqual([
      'min Forbidden the rule for this field cannot be evaluated on what was found',
    ]);
  });

  it('refuse to compile what is no CEL or uses an unknown function', () => {
    expect(() => compileRule({ rule: 'self ==' })).toThrow();
    expect(() => compileRule({ rule: "nosuch(self) == 'a'" })).toThrow('nosuch');
  });

  it.each([
    ["duration(self) >= duration('5m')", '1h30m'],
    ["self.replace('a', 'b') == 'bb'", 'ab'],
    ["self.split(',').size() == 2 && self.lowerAscii() == 'a,b'", 'A,b'],
    ["self.find('[0-9]+') == '12'", 'x12'],
    ["self.charAt(1) == 'b' && self.indexOf('c') == 2", 'abc'],
    ['self.isSorted() && self.sum() == 6 && self.indexOf(2) == 1', [1n, 2n, 3n]],
    ["self.all(key, !key.startsWith('aws:'))", { a: '1' }],
  ])('know what Kubernetes knows: %s', (rule, self) => {
    expect(compileRule({ rule }).evaluate(self)).toBeUndefined();
  });
});

describe('list types', () => {
  it('hold each key of a map list once', () => {
    const value = { ports: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] };
    expect(checkLists({ schema: SCHEMA, value, old: undefined, field: '' })).toEqual([
      {
        field: 'ports[2].name',
        type: 'Duplicate',
        message: 'found "a", which ports[0] has already, allowed: each once',
      },
    ]);
  });
});
