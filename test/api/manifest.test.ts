import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ParsedDocument, parseManifests } from '../../controller/api/manifest.ts';
import { formatFieldError } from '../../controller/api/schema.ts';

function manifest(name: string): string {
  return `apiVersion: bastion-operator.dev/v1alpha1\nkind: Bastion\nmetadata: { name: ${name} }\nspec: { ttl: 4h }\n`;
}

const parse = (text: string) => parseManifests(text, { source: 'team.yaml' });

function outline(documents: readonly ParsedDocument[]): string[] {
  return documents.map((parsed) => {
    const place = `${parsed.document}${parsed.item === undefined ? '' : `[${parsed.item}]`}:${parsed.line}`;
    return `${place} ${parsed.ok ? parsed.manifest.metadata.name : parsed.errors.map(formatFieldError).join('; ')}`;
  });
}

describe('parseManifests', () => {
  it('reads one manifest as it stands, without defaults', () => {
    expect(parse(manifest('a'))).toEqual([
      {
        source: 'team.yaml',
        document: 1,
        line: 1,
        ok: true,
        manifest: {
          apiVersion: 'bastion-operator.dev/v1alpha1',
          kind: 'Bastion',
          metadata: { name: 'a' },
          spec: { ttl: '4h' },
        },
      },
    ]);
  });

  it('keeps the good documents around a bad one, and says where the bad one breaks', () => {
    const text = `${manifest('a')}---\na: b: c\n---\n# only a comment\n---\n\n${manifest('b')}`;
    expect(outline(parse(text))).toEqual([
      '1:1 a',
      '2:6 not YAML: bad indentation of a mapping entry at line 6, column 5',
      '3:11 b',
    ]);
  });

  it('keeps the good documents after an open quote and an open bracket', () => {
    const documents = parse(`a: "open\n---\n${manifest('a')}...\nb: [1,\n---\n${manifest('b')}`);
    expect(documents.map(({ ok }) => ok)).toEqual([false, true, false, true]);
  });

  it.each(['', '\n\n', '---\n', '---\n---\n# nothing\n', 'null', '~', '\uFEFF'])(
    'finds nothing in %j',
    (text) => {
      expect(parse(text)).toEqual([]);
    },
  );

  it('reads other line ends, a byte order mark, directives and document ends', () => {
    expect(outline(parse(`\uFEFF${manifest('a').replaceAll('\n', '\r\n')}`))).toEqual(['1:1 a']);
    expect(
      outline(parse(`%YAML 1.2\n---\n${manifest('a')}...\n%YAML 1.2\n--- # next\n${manifest('b')}`)),
    ).toEqual(['1:3 a', '2:10 b']);
  });

  it('does not take dashes inside a text for the end of a document', () => {
    const text = `${manifest('a')}reason: |\n  ---\n  more\n`;
    expect(parse(text)).toMatchObject([{ ok: true, manifest: { reason: '---\nmore\n' } }]);
  });

  it('reads JSON, with tabs', () => {
    const object = { apiVersion: 'bastion-operator.dev/v1alpha1', kind: 'Bastion', metadata: { name: 'a' } };
    expect(parse(JSON.stringify(object, null, '\t'))).toMatchObject([{ ok: true, manifest: object }]);
  });

  it('flattens lists and judges each item alone', () => {
    const text = `apiVersion: v1\nkind: List\nitems:\n- ${manifest('a').replaceAll('\n', '\n  ')}\n- kind: Pod\n`;
    expect(outline(parse(text))).toEqual([
      '1[0]:1 a',
      '1[1]:1 apiVersion: required but missing, allowed: bastion-operator.dev/v1alpha1; kind: found "Pod", allowed: Bastion',
    ]);
    expect(outline(parse('kind: BastionList\nitems: 5'))).toEqual([
      '1:1 items: found 5 (a number), allowed: a list of Bastions',
    ]);
  });

  it('reads YAML 1.2: yes, on and dates are text', () => {
    const [parsed] = parse(`${manifest('a')}x: [yes, on, 2026-11-23, 0o10, true]\n`);
    expect(parsed).toMatchObject({ ok: true, manifest: { x: ['yes', 'on', '2026-11-23', 8, true] } });
  });

  it.each([
    ['a: 1\na: 2', 'not YAML: duplicated mapping key at line 2, column 1'],
    ['__proto__: { polluted: true }', '__proto__: this field name is not allowed'],
    ['a: { b: [{ __proto__: 1 }] }', 'a.b[0].__proto__: this field name is not allowed'],
    ['a: .inf', 'a: found number Infinity, which JSON has no value for'],
    ['a: !!binary aGk=', 'not YAML: unknown scalar tag !<tag:yaml.org,2002:binary> at line 1, column 4'],
    [
      'a: !!js/function x',
      'not YAML: unknown scalar tag !<tag:yaml.org,2002:js/function> at line 1, column 4',
    ],
    ['hello', 'found "hello" (a string), allowed: an object with apiVersion, kind, metadata and spec'],
    ['- a', 'found a list, allowed: an object with apiVersion, kind, metadata and spec'],
    ['['.repeat(200), 'not YAML: nesting exceeded maxDepth (32) at line 1, column 32'],
    ['a: &a [*a]', 'nested deeper than 32 levels'],
    [`a: &a 1\nb: [${'*a,'.repeat(17)}]`, 'found 17 aliases, allowed: at most 16; write the values out'],
    [bomb(), 'found more than 20000 values'],
    ['x'.repeat(256 * 1024 + 1), 'found 262145 characters, allowed: at most 262144 in one text; split it'],
  ])('refuses %.40j', (text, message) => {
    expect(parse(text).map((parsed) => (parsed.ok ? [] : parsed.errors.map(formatFieldError)))).toEqual([
      [message],
    ]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('reports errors of the spec along with a wrong kind, and the name it could read', () => {
    const text = manifest('a').replace('kind: Bastion', 'kind: BastionSpec');
    expect(parse(text)).toMatchObject([{ ok: false, name: 'a' }]);
    expect(outline(parse(text))).toEqual([
      '1:1 kind: found "BastionSpec", did you mean kind: Bastion? A BastionSpec is what stands under spec: of a Bastion.; spec.network: required but missing: Private subnets and their VPC. May be left out where the controller is configured with a network for the account and region',
    ]);
  });

  it('expands an alias into a copy', () => {
    const [parsed] = parse(`${manifest('a')}x: &x { y: 1 }\nz: *x\n`);
    expect(parsed).toMatchObject({ ok: true, manifest: { x: { y: 1 }, z: { y: 1 } } });
    if (parsed?.ok) expect(parsed.manifest['x']).not.toBe(parsed.manifest['z']);
  });

  it('never crashes on any text', () => {
    const pieces = [
      '---',
      '...',
      '\n',
      ' ',
      ':',
      '- ',
      '&a ',
      '*a',
      '!!map',
      '%YAML 1.2',
      '"',
      "'",
      '|',
      '>',
      '{',
      '}',
      '[',
      ']',
      '? ',
      '#',
      '\t',
      '\0',
      '__proto__',
      '<<',
      manifest('a'),
    ];
    const yamlish = fc
      .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 8 })))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(yamlish, fc.string({ unit: 'binary' })), (text) => {
        for (const parsed of parse(text)) expect(parsed.ok || parsed.errors.length > 0).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('finds every good document whatever stands between them', () => {
    const junk = fc.string().filter((text) => !/^(---|\.\.\.|%)/m.test(text));
    fc.assert(
      fc.property(fc.array(junk, { maxLength: 4 }), (junks) => {
        const text = junks
          .map((between, index) => `---\n${between}\n---\n${manifest(`good-${index}`)}`)
          .join('');
        const names = parse(text).flatMap((parsed) => (parsed.ok ? [parsed.manifest.metadata.name] : []));
        expect(names).toEqual(junks.map((_, index) => `good-${index}`));
      }),
    );
  });
});

/** Each level holds the one below three times: 24,300 values from six lines, with fifteen aliases. */
function bomb(): string {
  const levels = Array.from(
    { length: 5 },
    (_, level) => `l${level + 1}: &l${level + 1} [*l${level}, *l${level}, *l${level}]`,
  );
  const leaves = Array.from({ length: 100 }, (_, leaf) => leaf).join(', ');
  return [`l0: &l0 [${leaves}]`, ...levels].join('\n');
}
