import { NAMES, type Schema, schemaRef } from './openapi-schemas.ts';
import { groupVersionOf, type ServedResource } from './served.ts';

type PathItem = Record<string, unknown>;

const WRITE_PARAMETERS = [
  query('dryRun', 'string', 'All: do everything but the write.'),
  query('fieldManager', 'string', 'Who writes, for managedFields.'),
  // Without this one on PATCH, kubectl takes the server for one that cannot validate, and asks for OpenAPI v2.
  query('fieldValidation', 'string', 'What becomes of unknown fields: Strict, Warn or Ignore.'),
];
const LIST_PARAMETERS = [
  query('labelSelector', 'string', 'Only what has such labels.'),
  query('fieldSelector', 'string', 'Only what has such fields.'),
  query('limit', 'integer', 'At most so many.'),
  query('continue', 'string', 'From the list before: gets the next ones.'),
  query('resourceVersion', 'string', 'Where a watch begins.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant.'),
  query('watch', 'boolean', 'Go on with the changes.'),
  query('allowWatchBookmarks', 'boolean', 'Say now and then how far the watch has come.'),
  query('sendInitialEvents', 'boolean', 'Begin the watch with what there is.'),
  query('timeoutSeconds', 'integer', 'End the watch after so long.'),
];
const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
];

/** The paths of one resource, exactly as clients look for them, each with what can be done there. */
export function operationsOf(resource: ServedResource, schema: string): [string, PathItem][] {
  const { plural, isNamespaced, subresources, verbs } = resource;
  const root = resource.group === '' ? '/api/v1' : `/apis/${groupVersionOf(resource)}`;
  const scope = isNamespaced ? `${root}/namespaces/{namespace}` : root;
  const inScope = isNamespaced ? [parameter('namespace', 'The namespace.')] : [];
  const ofOne = [...inScope, parameter('name', `The name of the ${resource.singular}.`)];
  const make = maker(resource, schema);
  const items: [string, PathItem][] = [[`${scope}/${plural}`, collectionItem(make, verbs, inScope)]];
  if (isNamespaced) {
    const all = make(verbs.includes('list') ? ['list'] : []);
    items.push([`${root}/${plural}`, { ...all, parameters: [] }]);
  }
  if (verbs.includes('get')) {
    const own = make(verbs.filter((verb) => ONE.includes(verb)));
    items.push([`${scope}/${plural}/{name}`, { ...own, parameters: ofOne }]);
  }
  for (const one of subresources) {
    items.push([
      `${scope}/${plural}/{name}/${one.name}`,
      { ...make(one.verbs, one.name), parameters: ofOne },
    ]);
  }
  return items;
}

const ONE = ['get', 'update', 'patch', 'delete'];

type Make = (verbs: readonly string[], subresource?: string) => PathItem;

function collectionItem(make: Make, verbs: readonly string[], parameters: readonly object[]): PathItem {
  const own = verbs.filter((verb) => ['list', 'create', 'deletecollection'].includes(verb));
  return { ...make(own), parameters };
}

/** Each verb's HTTP method, what Kubernetes calls it, what can be asked with it and whether it answers with a list. */
const VERBS: Readonly<
  Record<string, { method: string; action: string; parameters: readonly object[]; isMany?: boolean }>
> = {
  get: { method: 'get', action: 'get', parameters: [] },
  list: { method: 'get', action: 'list', parameters: LIST_PARAMETERS, isMany: true },
  create: { method: 'post', action: 'post', parameters: WRITE_PARAMETERS },
  update: { method: 'put', action: 'put', parameters: WRITE_PARAMETERS },
  patch: {
    method: 'patch',
    action: 'patch',
    parameters: [...WRITE_PARAMETERS, query('force', 'boolean', 'Take over fields that others own.')],
  },
  delete: { method: 'delete', action: 'delete', parameters: [WRITE_PARAMETERS[0] ?? {}] },
  deletecollection: { method: 'delete', action: 'deletecollection', parameters: LIST_PARAMETERS },
};

function maker(resource: ServedResource, schema: string): Make {
  const { group, version, kind } = resource;
  return (verbs, subresource = '') =>
    Object.fromEntries(
      verbs.flatMap((verb) => {
        const known = VERBS[verb];
        if (!known) return [];
        const isStream = subresource === 'log';
        const answer = known.isMany ? schemaRef(`${schema}List`) : schemaRef(schema);
        const operation = {
          operationId: `${verb}${kind}${subresource}`,
          parameters: known.parameters,
          ...bodyOf(verb, schema),
          responses: { '200': responseOf(verb, answer, isStream) },
          'x-kubernetes-action': known.action,
          'x-kubernetes-group-version-kind': { group, version, kind },
        };
        return [[known.method, operation] as const];
      }),
    );
}

function bodyOf(verb: string, schema: string): PathItem {
  const content = (types: readonly string[], of: Schema) => ({
    requestBody: { content: Object.fromEntries(types.map((type) => [type, { schema: of }])) },
  });
  switch (verb) {
    case 'create':
    case 'update':
      return content(['application/json', 'application/yaml'], schemaRef(schema));
    case 'patch':
      return content(PATCH_TYPES, schemaRef(NAMES.patch));
    case 'delete':
    case 'deletecollection':
      return content(['application/json'], schemaRef(NAMES.deleteOptions));
    default:
      return {};
  }
}

function responseOf(verb: string, answer: Schema, isStream: boolean): PathItem {
  if (isStream) return { description: 'OK', content: { 'text/plain': { schema: { type: 'string' } } } };
  const schema = verb.startsWith('delete') ? schemaRef(NAMES.status) : answer;
  return { description: 'OK', content: { 'application/json': { schema } } };
}

function query(name: string, type: string, description: string): object {
  return { name, in: 'query', description, schema: { type } };
}

function parameter(name: string, description: string): object {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}
