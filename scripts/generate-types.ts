/**
 * Writes controller/api/generated/*.ts from crds/*.yaml, the only source of the schemas.
 * `--check` writes nothing and fails when a file is not what its CRD says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { compile, type JSONSchema } from 'json-schema-to-typescript';

const TYPES = [
  {
    crd: 'crds/bastions.yaml',
    file: 'controller/api/generated/bastion.ts',
    kind: 'Bastion',
    parts: ['spec', 'status'],
  },
  { crd: 'crds/guards.yaml', file: 'controller/api/generated/guard.ts', kind: 'Guard', parts: ['status'] },
  {
    crd: 'crds/gitsources.yaml',
    file: 'controller/api/generated/git-source.ts',
    kind: 'GitSource',
    parts: ['spec', 'status'],
  },
] as const;

type Crd = {
  spec: { versions: { schema: { openAPIV3Schema: { properties: Record<string, JSONSchema> } } }[] };
};

/** A field with a default is always there once the API layer has filled defaults in, so its type is not optional. */
function requireDefaulted(schema: JSONSchema): JSONSchema {
  const { properties, items, required, ...rest } = schema;
  const result: JSONSchema = { ...rest };
  if (properties) {
    const defaulted = Object.keys(properties).filter((name) => 'default' in (properties[name] ?? {}));
    result.required = [...new Set([...(Array.isArray(required) ? required : []), ...defaulted])];
    result.properties = Object.fromEntries(
      Object.entries(properties).map(([name, child]) => [name, requireDefaulted(child)]),
    );
    result.additionalProperties = false;
  }
  if (items && !Array.isArray(items)) result.items = requireDefaulted(items);
  // Lengths of lists would become tuples.
  for (const key of ['minItems', 'maxItems', 'default']) delete result[key];
  return result;
}

async function generate({ crd, kind, parts }: (typeof TYPES)[number]): Promise<string> {
  const { spec } = load(readFileSync(new URL(`../${crd}`, import.meta.url), 'utf8')) as Crd;
  const root = spec.versions[0]?.schema.openAPIV3Schema.properties;
  const options = { bannerComment: '', format: true, style: { singleQuote: true, printWidth: 110 } };
  const texts = [`// Generated from ${crd} by \`npm run generate\`. Do not edit.\n`];
  for (const part of parts) {
    const schema = root?.[part];
    if (!schema) throw new Error(`${crd} has no ${part} schema`);
    const name = `${kind}${part.charAt(0).toUpperCase()}${part.slice(1)}`;
    texts.push(await compile(requireDefaulted(schema), name, options));
  }
  return texts.join('\n');
}

for (const type of TYPES) {
  const path = new URL(`../${type.file}`, import.meta.url);
  const text = await generate(type);
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${type.file} is not what ${type.crd} says: run \`npm run generate\``);
    process.exitCode = 1;
  }
}
