/**
 * Writes controller/api/generated/bastion.ts from crds/bastions.yaml, the only source of the schema.
 * `--check` writes nothing and fails when the file is not what the CRD says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { compile, type JSONSchema } from 'json-schema-to-typescript';

const crdPath = new URL('../crds/bastions.yaml', import.meta.url);
const typesPath = new URL('../controller/api/generated/bastion.ts', import.meta.url);

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

async function generate(): Promise<string> {
  const crd = load(readFileSync(crdPath, 'utf8')) as Crd;
  const root = crd.spec.versions[0]?.schema.openAPIV3Schema.properties;
  if (!root?.['spec'] || !root['status']) throw new Error('crds/bastions.yaml has no spec or status schema');
  const banner = '// Generated from crds/bastions.yaml by `npm run generate`. Do not edit.\n';
  const options = { bannerComment: '', format: true, style: { singleQuote: true, printWidth: 110 } };
  const spec = await compile(requireDefaulted(root['spec']), 'BastionSpec', options);
  const status = await compile(requireDefaulted(root['status']), 'BastionStatus', options);
  return `${banner}\n${spec}\n${status}`;
}

const text = await generate();
if (!process.argv.includes('--check')) {
  writeFileSync(typesPath, text);
} else if (readFileSync(typesPath, 'utf8') !== text) {
  console.error(
    'controller/api/generated/bastion.ts is not what crds/bastions.yaml says: run `npm run generate`',
  );
  process.exitCode = 1;
}
