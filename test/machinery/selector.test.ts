import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseFieldSelector,
  parseLabelSelector,
  SelectorError,
} from '../../controller/machinery/selector.ts';

const LABELS = { app: 'orders', tier: 'db', 'example.com/team': 'a_b', empty: '' };

describe('parseLabelSelector', () => {
  it.each([
    ['', true],
    ['app=orders', true],
    ['app==orders', true],
    ['app = orders , tier=db', true],
    ['app=orders,tier=web', false],
    ['app!=orders', false],
    ['missing!=x', true],
    ['app in (orders, users)', true],
    ['app in (users)', false],
    ['missing in (x)', false],
    ['app notin (users),tier', true],
    ['missing notin (x)', true],
    ['tier notin (db)', false],
    ['example.com/team=a_b', true],
    ['app', true],
    ['missing', false],
    ['!missing', true],
    ['! app', false],
    ['empty=', true],
    ['toString', false],
  ])('%j matches: %s', (selector, expected) => {
    expect(parseLabelSelector(selector)(LABELS)).toBe(expected);
  });

  it('matches no labels only where none are asked for', () => {
    expect(parseLabelSelector('!a')(undefined)).toBe(true);
    expect(parseLabelSelector('a')(undefined)).toBe(false);
  });

  it.each(['a=b=c', 'a in b', ',', 'a,,b', 'a in (b', 'a b', '=b', '-a', `a=${'x'.repeat(64)}`])(
    'refuses %j',
    (selector) => {
      expect(() => parseLabelSelector(selector)).toThrow(SelectorError);
    },
  );

  it('says what was found and what is allowed', () => {
    expect(() => parseLabelSelector('a in b')).toThrow(
      'label selector "a in b": found key "a in b", allowed: a=b, a!=b, a in (b,c), a notin (b,c), a, !a',
    );
  });

  it('fails with nothing but a SelectorError on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab=!(), in\\-') }), (text) => {
        try {
          parseLabelSelector(text)(LABELS);
          parseFieldSelector(text, ['a', 'b'])(() => 'a');
        } catch (error) {
          expect(error).toBeInstanceOf(SelectorError);
        }
      }),
    );
  });
});

describe('parseFieldSelector', () => {
  const FIELDS: Record<string, string> = { 'metadata.name': 'orders', reason: 'a,b=c' };
  const matches = (text: string) =>
    parseFieldSelector(text, [...Object.keys(FIELDS), 'type'])((f) => FIELDS[f]);

  it.each([
    ['', true],
    ['metadata.name=orders', true],
    ['metadata.name==orders', true],
    ['metadata.name!=orders', false],
    ['metadata.name=orders,type=', true],
    ['type!=Warning', true],
    ['reason=a\\,b\\=c', true],
  ])('%j matches: %s', (selector, expected) => {
    expect(matches(selector)).toBe(expected);
  });

  it('refuses a field that cannot be selected on, and text that is no selector', () => {
    expect(() => matches('spec.ttl=4h')).toThrow(
      'field selector "spec.ttl=4h": field label not supported: spec.ttl, allowed: metadata.name, reason, type',
    );
    expect(() => matches('metadata.name')).toThrow('expected field=value or field!=value');
  });
});
