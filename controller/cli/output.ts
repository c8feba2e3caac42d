import { dump } from 'js-yaml';
import { isRecord } from '../api/json.ts';
import type { KubeObject } from '../api/object.ts';
import { CliError } from './failure.ts';
import { fullName } from './resource-type.ts';
import { parseTemplate } from './template.ts';

export type Format =
  | { readonly type: 'table'; readonly wide: boolean }
  | { readonly type: 'json' | 'yaml' | 'name' }
  | { readonly type: 'jsonpath'; readonly render: (root: unknown) => string };

/** @throws CliError for a format that `allowed` does not hold. */
export function parseFormat(text: string | undefined, allowed: readonly string[]): Format {
  if (text === undefined || text === '') return { type: 'table', wide: false };
  const [name = '', ...rest] = text.split('=');
  if (!allowed.includes(name)) {
    throw new CliError(
      `unable to match a printer suitable for the output format "${text}", allowed formats are: ${allowed.join(',')}`,
    );
  }
  if (name === 'wide') return { type: 'table', wide: true };
  if (name === 'json' || name === 'yaml' || name === 'name') return { type: name };
  if (rest.join('=') === '') throw new CliError('template format specified but no template given');
  return { type: 'jsonpath', render: parseTemplate(rest.join('=')) };
}

/** What `apply -f` takes back. Several objects become a List, one stays itself unless `asList`. */
export function renderObjects(
  format: Exclude<Format, { type: 'table' }>,
  objects: readonly KubeObject[],
  asList = objects.length !== 1,
): string {
  if (format.type === 'name') return objects.map((object) => `${fullName(object)}\n`).join('');
  const list = { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: objects };
  const root = asList ? list : objects[0];
  if (format.type === 'jsonpath') return format.render(root);
  return format.type === 'json' ? renderJson(root) : renderYaml(root);
}

export function renderJson(value: unknown): string {
  return `${JSON.stringify(sortKeys(value), null, 4)}\n`;
}

export function renderYaml(value: unknown): string {
  return dump(sortKeys(value), { noRefs: true, lineWidth: -1, seqNoIndent: true });
}

/** kubectl writes keys in the order of the alphabet, and texts are compared by it. */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}
