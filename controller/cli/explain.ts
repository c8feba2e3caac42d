import type { Command } from 'commander';
import { API_VERSION, GROUP, KIND } from '../api/bastion.ts';
import { bastionSchema } from '../api/crd.ts';
import { describeSchema, type FieldDescription } from '../api/schema.ts';
import { suggest } from '../machinery/suggest.ts';
import type { Context } from './context.ts';
import { CliError } from './failure.ts';
import { findType } from './resource-type.ts';

export function addExplain(program: Command, { io, offline }: Context): void {
  program
    .command('explain')
    .description('Document the fields of a Bastion')
    .argument('[path]', 'Field path, for example bastion.spec.network', 'bastion')
    .option('--recursive', 'Print all fields below, without descriptions')
    .action(async (path: string, { recursive = false }: { readonly recursive?: boolean }) => {
      await offline(async () => {
        io.stdout.write(explain(path, recursive));
        return 0;
      });
    });
}

/** @throws CliError for a path that leads nowhere */
export function explain(path: string, recursive: boolean): string {
  const [first = '', ...rest] = path.split('.');
  const isTyped = findType(first) === 'bastions';
  const wanted = (isTyped ? rest : [first, ...rest]).map((name) => name.replace(/\[.*\]$/, ''));
  const fields = describeSchema();
  const head = [
    `GROUP:      ${GROUP}`,
    `KIND:       ${KIND}`,
    `VERSION:    ${API_VERSION.split('/')[1]}`,
    '',
  ];
  const own = wanted.length === 0 ? undefined : findField(fields, wanted, path);
  const title = own
    ? [`FIELD: ${namesOf(own).at(-1)} <${own.type}>${own.required ? ' -required-' : ''}`, '']
    : [];
  const description = own ? own.description : (bastionSchema().description ?? '');
  const below = fields.filter((field) => isBelow(namesOf(field), wanted, recursive));
  return `${[
    ...head,
    ...title,
    'DESCRIPTION:',
    ...[description || '<empty>', ...(own ? limits(own) : [])].map((text) => `    ${text}`),
    ...(below.length > 0 ? ['', 'FIELDS:'] : []),
    ...below.flatMap((field) => fieldLines(field, wanted.length, recursive)),
  ].join('\n')}\n`;
}

function namesOf({ field }: FieldDescription): string[] {
  return field.replaceAll('[]', '').split('.');
}

function findField(
  fields: readonly FieldDescription[],
  wanted: readonly string[],
  path: string,
): FieldDescription {
  const found = fields.find((field) => namesOf(field).join('.') === wanted.join('.'));
  if (found) return found;
  const all = fields.map((field) => namesOf(field).join('.'));
  const parent = knownPart(wanted, all);
  const siblings = fields.map(namesOf).filter((names) => isBelow(names, parent, false));
  const there = siblings.map((names) => names.at(-1) ?? '');
  const near = suggest(wanted[parent.length] ?? '', there) ?? suggest(wanted.join('.'), all);
  const level = ['bastion', ...parent].join('.');
  const fits = there.length === 0 ? `${level} has no fields` : `${level} has the fields ${there.join(', ')}`;
  // What was found on the way there is not what was missed.
  const isNew = near !== undefined && near !== parent.join('.') && near !== parent.at(-1);
  const hint = isNew ? `did you mean ${near}?` : fits;
  throw new CliError(`field "${path}" does not exist`, hint);
}

/** As much of a path as exists, without its last part. */
function knownPart(wanted: readonly string[], all: readonly string[]): readonly string[] {
  const parent = wanted.slice(0, -1);
  return parent.length === 0 || all.includes(parent.join('.')) ? parent : knownPart(parent, all);
}

function isBelow(names: readonly string[], parent: readonly string[], recursive: boolean): boolean {
  if (names.length <= parent.length || (!recursive && names.length > parent.length + 1)) return false;
  return parent.every((name, index) => names[index] === name);
}

function fieldLines(field: FieldDescription, depth: number, recursive: boolean): string[] {
  const names = namesOf(field);
  const indent = '  '.repeat(names.length - depth);
  const line = `${indent}${names.at(-1)}\t<${field.type}>${field.required ? ' -required-' : ''}`;
  if (recursive) return [line];
  const texts = [field.description, ...limits(field)].filter((text) => text !== '');
  return [line, ...texts.map((text) => `${indent}  ${text}`), ''];
}

function limits(field: FieldDescription): string[] {
  return [
    ...(field.allowed === undefined ? [] : [`Allowed: ${field.allowed}`]),
    ...('default' in field ? [`Default: ${JSON.stringify(field.default)}`] : []),
  ];
}
