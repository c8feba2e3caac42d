import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { oneLine, visible, visibleData, visibleLine } from '../../controller/machinery/text.ts';
import { formatYaml } from '../../controller/machinery/yaml.ts';

/** Everything a terminal may take for an order, or for the direction of the rest. */
const STEERING = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, code) => 0x7f + code),
  ...[0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e],
  ...[0x2066, 0x2067, 0x2068, 0x2069],
].map((code) => String.fromCharCode(code));

describe('a visible text', () => {
  it('shows what would steer a terminal as an escape, and keeps lines and tabs', () => {
    expect(visible('a\u001b[31mb\u202e\u009b\tc\nd\u007f')).toBe('a\\u001b[31mb\\u202e\\u009b\tc\nd\\u007f');
    expect(visibleLine('a\tb\n')).toBe('a\\u0009b\\u000a');
    for (const one of STEERING.filter((character) => character !== '\u00a0'))
      expect(visibleLine(one)).toMatch(/^\\u[0-9a-f]{4}$/);
  });

  it('is left alone where nothing steers, in whatever script', () => {
    for (const text of ['orders', 'Zoë 日本語', 'שלום', 'مرحبا', '👩‍💻', '\u00a0'])
      expect(visible(text)).toBe(text);
  });

  it('says the same in JSON, and is the same a second time', () => {
    const text = STEERING.join('x');
    expect(JSON.parse(visible(JSON.stringify(text)))).toBe(text);
    expect(visible(visible(text))).toBe(visible(text));
  });

  it('becomes one line without any of them', () => {
    expect(oneLine(`a${STEERING.join('')}b`)).not.toMatch(
      /[\p{Cc}\u2028-\u202e\u2066-\u2069\u061c\u200e\u200f]/u,
    );
  });

  it('is in the whole of some data, keys included', () => {
    expect(visibleData({ a: ['\u202e', 1, null], 'k\u001b': { b: '\u009b' } })).toEqual({
      a: ['\\u202e', 1, null],
      'k\\u001b': { b: '\\u009b' },
    });
  });
});

describe('YAML', () => {
  it('steers no terminal and says the same, in texts, keys and blocks of lines', () => {
    const text = STEERING.join('x');
    const value = {
      plain: 'as it is',
      text,
      [`key${text}`]: [text],
      lines: `one\n${text}\nthree\n`,
      '\u202e': 1,
    };
    const yaml = formatYaml(value);
    expect(visible(yaml)).toBe(yaml);
    expect(load(yaml)).toEqual(value);
    expect(yaml).toContain('plain: as it is\n');
  });
});
