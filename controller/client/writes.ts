import { ownField } from '../machinery/json.ts';
import { DEFAULT_NAMESPACE, type KubeObject } from '../machinery/object.ts';
import type {
  ApplyOptions,
  DeleteOptions,
  Manifest,
  PatchOptions,
  StatusResources,
  WriteOptions,
} from '../machinery/resources.ts';
import type { Collection } from './collection.ts';
import type { Answer, Call } from './transport.ts';

type Writes<T extends KubeObject> = Pick<
  StatusResources<T>,
  'create' | 'update' | 'updateStatus' | 'patch' | 'jsonPatch' | 'apply' | 'delete'
>;

/** The writing verbs of one collection. */
export function createWrites<T extends KubeObject>(at: Collection): Writes<T> {
  const send = (call: Omit<Call, 'query' | 'silenceMs'>, options: Partial<ApplyOptions>) =>
    at.transport.call({
      ...{ ...call, query: searchFor(options), silenceMs: at.silenceMs },
      onWarning: options.onWarning,
    });
  const patch = (type: string) => {
    const contentType = `application/${type}`;
    return (namespace: string, name: string, body: unknown, options: Partial<ApplyOptions>) => {
      const path = at.pathTo(namespace, name, options.subresource);
      return send({ method: 'PATCH', path, body, contentType }, options);
    };
  };
  const put = async (object: Manifest | T, options: WriteOptions, subresource?: 'status') => {
    const { namespace = DEFAULT_NAMESPACE, name } = object.metadata;
    const path = at.pathTo(namespace, name, subresource);
    return objectOf<T>(await send({ method: 'PUT', path, body: object }, options));
  };
  const merge = patch('merge-patch+json');
  const json = patch('json-patch+json');
  const apply = patch('apply-patch+yaml');
  return {
    async create(object, options = {}) {
      const path = at.pathOf(object.metadata.namespace ?? DEFAULT_NAMESPACE);
      return objectOf(await send({ method: 'POST', path, body: object }, options));
    },
    update: (object, options = {}) => put(object, options),
    updateStatus: (object, options = {}) => put(object, options, 'status'),
    patch: async (namespace, name, body, options: PatchOptions = {}) =>
      objectOf(await merge(namespace, name, body, options)),
    jsonPatch: async (namespace, name, body, options: PatchOptions = {}) =>
      objectOf(await json(namespace, name, body, options)),
    async apply(namespace, name, body, options) {
      const answer = await apply(namespace, name, body, options);
      return { object: objectOf(answer), isCreated: answer.status === 201 };
    },
    delete: (namespace, name, options = {}) => remove<T>(at, namespace, name, options),
  };
}

/** An object that is gone at once is answered by its name alone, so that it is read before. */
async function remove<T extends KubeObject>(
  { transport, silenceMs, pathTo }: Collection,
  namespace: string,
  name: string,
  { dryRun, uid, resourceVersion, onWarning }: DeleteOptions,
): Promise<T> {
  const path = pathTo(namespace, name);
  const before = (await transport.call({ method: 'GET', path, silenceMs })).body as T;
  const preconditions = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  const body = {
    ...{ apiVersion: 'v1', kind: 'DeleteOptions' },
    ...(Object.keys(preconditions).length > 0 ? { preconditions } : {}),
    ...(dryRun ? { dryRun: ['All'] } : {}),
  };
  const { body: after } = await transport.call({ method: 'DELETE', path, body, silenceMs, onWarning });
  return ownField(after, 'kind') === 'Status' ? before : (after as T);
}

function objectOf<T>({ body }: Answer): T {
  return body as T;
}

function searchFor(options: Partial<ApplyOptions>): URLSearchParams {
  const { dryRun = false, fieldManager, fieldValidation, force = false } = options;
  const search = new URLSearchParams();
  if (dryRun) search.set('dryRun', 'All');
  if (fieldManager !== undefined) search.set('fieldManager', fieldManager);
  // What nobody knows is refused here, too, as it is without a server.
  search.set('fieldValidation', fieldValidation ?? 'Strict');
  if (force) search.set('force', 'true');
  return search;
}
