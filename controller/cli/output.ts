import { isRecord } from '../machinery/json.ts';
import type { KubeObject } from '../machinery/object.ts';
import { visible } from '../machinery/text.ts';
import { formatYaml } from '../machinery/yaml.ts';
import { CliError } from './failure.ts';
import { fullName } from './resource-type.ts';
import { parseTemplate } from './template.ts';

export type Format =
  | { readonly type: 'table'; readonly wide: boolean }
  | { readonly type: 'name' }
  | { readonly type: 'json' | 'yaml'; readonly showManagedFields: boolean }
  | { readonly type: 'jsonpath'; readonly render: (root: unknown) => string };

/** @throws CliError for a format that `allowed` does not hold. */
export function parseFormat(
  text: string | undefined,
  allowed: readonly string[],
  { showManagedFields = false } = {},
): Format {
  if (text === undefined || text === '') return { type: 'table', wide: false };
  const [name = '', ...rest] = text.split('=');
  if (!allowed.includes(name)) {
    throw new CliError(
      `unable to match a printer suitable for the output format "${text}", allowed formats are: ${allowed.join(',')}`,
    );
  }
  if (name === 'wide') return { type: 'table', wide: true };
  if (name === 'name') return { type: name };
  if (name === 'json' || name === 'yaml') return { type: name, showManagedFields };
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
  const items = objects.map((object) => shown(format, object));
  const list = { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items };
  const root = asList ? list : items[0];
  if (format.type === 'jsonpath') return format.render(root);
  return format.type === 'json' ? renderJson(root) : renderYaml(root);
}

/** A stream is no List: each object stands alone, so that jq and yq can follow it. */
export function renderStreamed(format: Exclude<Format, { type: 'table' }>, object: KubeObject): string {
  if (format.type === 'yaml') return `---\n${renderYaml(shown(format, object))}`;
  return format.type === 'json' ? renderJson(shown(format, object)) : renderObjects(format, [object]);
}

/** As kubectl does it, who owns which field is shown on demand only. */
function shown(format: Format, object: KubeObject): object {
  const isWhole = (format.type !== 'json' && format.type !== 'yaml') || format.showManagedFields;
  if (isWhole) return object;
  const { managedFields: _unseen, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export function renderJson(value: unknown): string {
  return visible(`${JSON.stringify(sortKeys(value), null, 4)}\n`);
}

export function renderYaml(value: unknown): string {
  return formatYaml(sortKeys(value));
}

/** kubectl writes keys in the order of the alphabet, and texts are compared by it. */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}
