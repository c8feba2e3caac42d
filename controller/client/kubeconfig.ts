import { load } from 'js-yaml';
import { isRecord, type JsonObject, ownField } from '../machinery/json.ts';
import { formatYaml } from '../machinery/yaml.ts';
import { ConfigurationError } from './configuration-error.ts';

/** A file of kubectl's configuration, as it was found. */
export interface KubeconfigFile {
  readonly path: string;
  readonly content: JsonObject;
  /** There is no such file yet. */
  readonly isAbsent?: boolean;
}

/** An empty file is a configuration that says nothing. @throws ConfigurationError */
export function parseKubeconfig(path: string, text: string): KubeconfigFile {
  const fix = 'correct it, or name another file with --kubeconfig or KUBECONFIG';
  let content: unknown;
  try {
    content = text.trim() === '' ? {} : load(text);
  } catch (error) {
    const [why] = String(error instanceof Error ? error.message : error).split('\n');
    throw new ConfigurationError(`${path} is no YAML: ${why}`, fix);
  }
  if (isRecord(content)) return { path, content };
  throw new ConfigurationError(`${path} is no kubeconfig: found no mapping`, fix);
}

type Section = 'clusters' | 'contexts' | 'users';

const FIELDS: Readonly<Record<Section, string>> = { clusters: 'cluster', contexts: 'context', users: 'user' };

/** The entry of that name that counts: the one in the first file that has it. */
export function findEntry(
  files: readonly KubeconfigFile[],
  section: Section,
  name: string,
): { readonly file: KubeconfigFile; readonly entry: JsonObject } | undefined {
  for (const file of files) {
    for (const item of entriesOf(file.content, section)) {
      if (ownField(item, 'name') !== name) continue;
      const entry = ownField(item, FIELDS[section]);
      return { file, entry: isRecord(entry) ? entry : {} };
    }
  }
  return undefined;
}

export function contextNames(files: readonly KubeconfigFile[]): readonly string[] {
  const names = files.flatMap(({ content }) => entriesOf(content, 'contexts').map((item) => item['name']));
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}

/** The first file that names one counts. */
export function currentContext(files: readonly KubeconfigFile[]): string | undefined {
  return files.map(({ content }) => content['current-context']).find(isText);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function entriesOf(content: JsonObject, section: Section): JsonObject[] {
  const entries = content[section];
  return Array.isArray(entries) ? entries.filter(isRecord) : [];
}

/** One cluster, its user and a context for the two, all of one name. */
export interface NewContext {
  readonly name: string;
  readonly cluster: JsonObject;
  readonly user: JsonObject;
  /** Left out: the one that a context of this name has, if any. */
  readonly namespace?: string | undefined;
}

/** `content` with this context in it; what else is there stays, also in a context of this name. */
export function withContext(content: JsonObject, { name, cluster, user, namespace }: NewContext): JsonObject {
  const before = findEntry([{ path: '', content }], 'contexts', name)?.entry ?? {};
  const home = namespace === undefined ? {} : { namespace };
  const context = { ...before, cluster: name, user: name, ...home };
  return {
    ...{ apiVersion: 'v1', kind: 'Config', preferences: {} },
    ...content,
    clusters: withEntry(content, 'clusters', name, cluster),
    contexts: withEntry(content, 'contexts', name, context),
    users: withEntry(content, 'users', name, user),
  };
}

function withEntry(content: JsonObject, section: Section, name: string, entry: JsonObject): unknown[] {
  const entries = content[section];
  const present = Array.isArray(entries) ? entries : [];
  const item = { [FIELDS[section]]: entry, name };
  const at = present.findIndex((one) => ownField(one, 'name') === name);
  return at === -1 ? [...present, item] : present.with(at, item);
}

export function withCurrent(content: JsonObject, name: string): JsonObject {
  return { apiVersion: 'v1', kind: 'Config', ...content, 'current-context': name };
}

export function renderKubeconfig(content: JsonObject): string {
  return formatYaml(content);
}
