import { SYSTEM_NAMESPACE } from '../../api/bastion.ts';
import type { ApiClient } from '../../api/client.ts';
import type { ApiColumn } from '../../api/columns.ts';
import type { KubeObject, ObjectMeta } from '../../machinery/object.ts';
import { ageOf } from '../../machinery/relative-time.ts';
import type { ListQuery, Resources, WatchEvent, WatchQuery } from '../../machinery/resources.ts';
import { refuseWrites } from '../../server/read-only.ts';
import { parseSelection } from '../../server/selection.ts';
import type { AddRoutes } from '../context.ts';
import { addReads, basePath, endpointOf, type ProjectedType } from './projection-routes.ts';
import { getObject, listObjects, watchObjects } from './read-verbs.ts';
import { stableUid } from './stable-uid.ts';

interface Namespace extends KubeObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Namespace';
  readonly spec: object;
  readonly status: { readonly phase: 'Active' };
}

/** There whether or not there is something in them. */
const ALWAYS = ['default', SYSTEM_NAMESPACE];
const SELECTABLE = ['metadata.name', 'status.phase'];
const ADVICE = 'any namespace may be used at once, with -n or metadata.namespace: none needs to be created';
const UNKNOWN_AGE = '<unknown>';

const column = (name: string, cell: ApiColumn['cell']): ApiColumn => {
  return {
    ...{ name, cell, type: 'string', format: '', priority: 0 },
    description: `${name} of the namespace.`,
  };
};

const TYPE: ProjectedType = {
  ...{ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', advice: ADVICE },
  columns: [
    { ...column('Name', ({ metadata }) => metadata.name), format: 'name' },
    column('Status', () => 'Active'),
    column('Age', ({ metadata }, now) => {
      return metadata.creationTimestamp === undefined ? UNKNOWN_AGE : ageOf(metadata.creationTimestamp, now);
    }),
  ],
};

/** Namespaces are where objects are, and need nothing of their own. */
export const addNamespaces: AddRoutes = (app, { api }) => {
  const base = basePath(TYPE);
  addReads(app, endpointOf(TYPE, namespaceResources(api)), ADVICE, {
    [`${base}/namespaces`]: listObjects,
    [`${base}/namespaces/:name`]: getObject,
    [`${base}/watch/namespaces`]: watchObjects,
    [`${base}/watch/namespaces/:name`]: watchObjects,
  });
};

function namespaceResources(api: ApiClient): Resources<KubeObject> {
  const list = async (query: ListQuery = {}) => {
    const { matches } = selectionOf(query);
    const { namespaces, resourceVersion } = await readNamespaces(api);
    return { items: namespaces.filter(matches), resourceVersion };
  };
  return {
    ...refuseWrites('namespaces', ADVICE),
    list,
    // kubectl asks for the namespace of what it has not found: were it missing too, it would complain of that instead.
    async get(_namespace, name) {
      const { namespaces, resourceVersion } = await readNamespaces(api);
      const found = namespaces.find(({ metadata }) => metadata.name === name);
      return found ?? namespaceOf(name, undefined, resourceVersion);
    },
    watch: (query, signal) => watchNamespaces(api, query, signal),
  };
}

function selectionOf({ namespace: _namespace, ...query }: ListQuery) {
  return parseSelection(query, SELECTABLE);
}

async function readNamespaces(api: ApiClient) {
  // The resourceVersion of what is read first: a watch from there may repeat, and misses nothing.
  const bastions = await api.bastions.list();
  const others = await Promise.all([api.guards.list(), api.events.list()]);
  const since = new Map<string, string | undefined>(ALWAYS.map((name) => [name, undefined]));
  for (const { metadata } of [bastions, ...others].flatMap(({ items }): readonly KubeObject[] => items)) {
    const { namespace, creationTimestamp } = metadata;
    const known = since.get(namespace);
    if (known === undefined || creationTimestamp < known) since.set(namespace, creationTimestamp);
  }
  const { resourceVersion } = bastions;
  const names = [...since.keys()].sort();
  return {
    resourceVersion,
    namespaces: names.map((name) => namespaceOf(name, since.get(name), resourceVersion)),
  };
}

/** Nobody writes them, so the version of a namespace is that of the list it was seen in. */
function namespaceOf(name: string, since: string | undefined, resourceVersion: string): Namespace {
  const metadata = {
    ...{ name, resourceVersion, creationTimestamp: since ?? null },
    uid: stableUid(`namespace ${name}`),
    labels: { 'kubernetes.io/metadata.name': name },
  };
  return {
    ...{ apiVersion: 'v1', kind: 'Namespace', spec: {}, status: { phase: 'Active' } },
    metadata: metadata as unknown as ObjectMeta,
  };
}

/** They come with the first Bastion in them, and go when there is nothing left. */
async function* watchNamespaces(
  api: ApiClient,
  query: WatchQuery,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<KubeObject>> {
  const { from, onProgress } = query;
  const { matches } = selectionOf(query);
  // One whose objects were all written since may be told of twice, which does no harm.
  const { items } = await api.bastions.list();
  const older = items.filter(({ metadata }) => Number(metadata.resourceVersion) <= Number(from));
  const told = new Set([...ALWAYS, ...older.map(({ metadata }) => metadata.namespace)]);
  const changes = api.bastions.watch({ from, ...(onProgress ? { onProgress } : {}) }, signal);
  for await (const { type, object } of changes) {
    const { namespace, creationTimestamp, resourceVersion } = object.metadata;
    const one = namespaceOf(namespace, creationTimestamp, resourceVersion);
    if (type !== 'DELETED') {
      if (!told.has(namespace) && matches(one)) yield { type: 'ADDED', object: one };
      told.add(namespace);
    } else if (!(await readNamespaces(api)).namespaces.some(({ metadata }) => metadata.name === namespace)) {
      told.delete(namespace);
      if (matches(one)) yield { type: 'DELETED', object: one };
    }
  }
}
