import { scatter } from '../scatter.ts';
import { AwsFault, type Input } from '../world.ts';
import type { Ec2State } from './state.ts';

/** What a query request gives: text, lists of text, or structs. Absent and empty are the same. */
export function text(input: Input, name: string): string | undefined {
  const value = input[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** @throws AwsFault MissingParameter */
export function requiredText(input: Input, name: string): string {
  const value = text(input, name);
  if (value !== undefined) return value;
  throw new AwsFault('MissingParameter', `The request must contain the parameter ${name}`);
}

export function flag(input: Input, name: string): boolean | undefined {
  const value = text(input, name);
  return value === undefined ? undefined : value === 'true';
}

export function texts(input: Input, name: string): string[] {
  const value = input[name];
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

export function structs(input: Input, name: string): Input[] {
  const value = input[name];
  return Array.isArray(value) ? value.filter(isInput) : [];
}

export function struct(input: Input, name: string): Input | undefined {
  const value = input[name];
  return isInput(value) ? value : undefined;
}

function isInput(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How one kind of resource answers a Describe request. */
export interface Description<T> {
  /** Wire name of the list in the response. */
  readonly set: string;
  readonly idOf: (entry: T) => string;
  /** The request's own list of ids, and what answers an unknown one. */
  readonly ids?: { readonly parameter: string; readonly notFound: string };
  /** Filter name -> the entry's values. Tag filters need no mention. */
  readonly filters: Readonly<Record<string, (entry: T) => readonly (string | undefined)[]>>;
  readonly show: (entry: T) => object;
}

/** Selects by id and filter, cuts a page, and shows it. @throws AwsFault for unknown ids, filters and tokens */
export function describe<T>(state: Ec2State, input: Input, all: Iterable<T>, how: Description<T>): object {
  const entries = selectIds(input, [...all], how).filter((entry) => passes(state, input, entry, how));
  entries.sort((a, b) => (how.idOf(a) < how.idOf(b) ? -1 : 1));
  const after = decodeToken(text(input, 'NextToken'), how.set);
  const rest = after === undefined ? entries : entries.filter((entry) => how.idOf(entry) > after);
  const page = rest.slice(0, pageSize(input));
  const last = page.at(-1);
  const more = rest.length > page.length && last !== undefined;
  return {
    [how.set]: page.map(how.show),
    nextToken: more ? encodeToken(how.set, how.idOf(last)) : undefined,
  };
}

function selectIds<T>(input: Input, entries: T[], how: Description<T>): T[] {
  const wanted = how.ids ? texts(input, how.ids.parameter) : [];
  if (!how.ids || wanted.length === 0) return entries;
  const missing = wanted.filter((id) => !entries.some((entry) => how.idOf(entry) === id));
  if (missing.length > 0) {
    throw new AwsFault(how.ids.notFound, `The ID(s) '${missing.join(', ')}' do not exist`);
  }
  return entries.filter((entry) => wanted.includes(how.idOf(entry)));
}

function passes<T>(state: Ec2State, input: Input, entry: T, how: Description<T>): boolean {
  return structs(input, 'Filter').every((filter) => {
    const name = requiredText(filter, 'Name');
    const values = valuesOf(state, name, entry, how);
    return texts(filter, 'Value').some((pattern) => values.some((value) => like(pattern, value)));
  });
}

function valuesOf<T>(state: Ec2State, name: string, entry: T, how: Description<T>): readonly string[] {
  const tags = state.tags.get(how.idOf(entry));
  if (name === 'tag-key') return [...(tags?.keys() ?? [])];
  if (name.startsWith('tag:')) return [tags?.get(name.slice(4))].filter((value) => value !== undefined);
  const read = how.filters[name];
  if (!read) throw new AwsFault('InvalidParameterValue', `The filter '${name}' is invalid`);
  return read(entry).filter((value) => value !== undefined);
}

/** `*` and `?` are wildcards in filter values. */
function like(pattern: string, value: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === value;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(value);
}

function pageSize(input: Input): number {
  const given = text(input, 'MaxResults');
  if (given === undefined) return 1000;
  const size = Number(given);
  if (Number.isInteger(size) && size >= 5 && size <= 1000) return size;
  const message = `Value ( ${given} ) for parameter maxResults is invalid. Expecting a value from 5 to 1000.`;
  throw new AwsFault('InvalidParameterValue', message);
}

function encodeToken(set: string, lastId: string): string {
  return Buffer.from(`${set} ${lastId}`).toString('base64url');
}

function decodeToken(token: string | undefined, set: string): string | undefined {
  if (token === undefined) return undefined;
  const [of, lastId] = Buffer.from(token, 'base64url').toString().split(' ');
  if (of === set && lastId) return lastId;
  throw new AwsFault('InvalidNextToken', 'The token used in the request is invalid.');
}

/** Remembers the tags a create request asked for. @throws AwsFault when they are for another type of resource */
export function tagsFor(input: Input, resourceType: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const specification of structs(input, 'TagSpecification')) {
    const type = text(specification, 'ResourceType');
    if (type !== resourceType) {
      const message = `'${type}' is not a valid taggable resource type for this operation.`;
      throw new AwsFault('InvalidParameterValue', message);
    }
    for (const tag of structs(specification, 'Tag')) addTag(tags, tag);
  }
  return tags;
}

/** @throws AwsFault InvalidParameterValue | TagLimitExceeded */
export function addTag(tags: Map<string, string>, tag: Input): void {
  const key = requiredText(tag, 'Key');
  const value = text(tag, 'Value') ?? '';
  if (key.toLowerCase().startsWith('aws:') || key.length > 128 || value.length > 256) {
    throw new AwsFault('InvalidParameterValue', `Tag key '${key}' is reserved or too long, or its value is.`);
  }
  if (tags.size >= 50 && !tags.has(key))
    throw new AwsFault('TagLimitExceeded', 'The maximum number of tags has been reached.');
  tags.set(key, value);
}

export function tagSet(state: Ec2State, id: string): object[] {
  return scatter([...(state.tags.get(id) ?? [])], id).map(([key, value]) => ({ key, value }));
}
