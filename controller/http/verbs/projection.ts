import { ApiError } from '../../machinery/api-error.ts';
import { type KubeObject, type ObjectName, objectName } from '../../machinery/object.ts';
import type { ListQuery, Resources, WatchEvent, WatchQuery } from '../../machinery/resources.ts';
import { refuseWrites } from '../../server/read-only.ts';
import { parseSelection } from '../../server/selection.ts';

/** Objects that are made up from stored ones, and stand for nothing of their own. */
export interface Projection<S extends KubeObject> {
  readonly source: Pick<Resources<S>, 'get' | 'list' | 'watch'>;
  readonly apiVersion: string;
  readonly kind: string;
  /** As messages name the type: `pods`. */
  readonly resource: string;
  readonly selectable: readonly string[];
  /** The object under the same name, if there is one for `source`. */
  project(source: S): KubeObject | undefined;
  /** What to do instead of writing. */
  readonly advice: string;
}

/** The verbs over projected objects; all that change something are refused. */
export function projectResources<S extends KubeObject>(projection: Projection<S>): Resources<KubeObject> {
  const { source, resource, selectable, project, advice } = projection;
  return {
    ...refuseWrites(resource, advice),
    async get(namespace, name) {
      const object = await source.get(namespace, name).then(project, (error: unknown) => {
        if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
        throw error;
      });
      if (object) return object;
      throw new ApiError('NotFound', `${resource} "${name}" not found`);
    },
    async list(query = {}) {
      const selection = parseSelection(query, selectable);
      const { items, resourceVersion } = await source.list(placeOf(query));
      const objects = items.flatMap((item) => project(item) ?? []);
      return { items: objects.filter(selection.matches), resourceVersion };
    },
    watch: (query, signal) => watchProjected(projection, query, signal),
  };
}

/** Selectors are for the projected objects; what is left is the same for both. */
function placeOf({ namespace, name }: ListQuery): ListQuery {
  return { ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
}

/** What the watcher was shown last; an object that is missing here was changed since, and may have been shown or not. */
type Shown = Map<ObjectName, KubeObject | undefined>;

async function* watchProjected<S extends KubeObject>(
  projection: Projection<S>,
  query: WatchQuery,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<KubeObject>> {
  const { source, selectable, project } = projection;
  const { from, onProgress } = query;
  const selection = parseSelection(query, selectable);
  const place = placeOf(query);
  const visible = (item: S) => {
    const object = project(item);
    return object && selection.matches(object) ? object : undefined;
  };
  const { items } = await source.list(place);
  const unchanged = items.filter((item) => Number(item.metadata.resourceVersion) <= Number(from));
  const shown: Shown = new Map(unchanged.map((item) => [objectName(item), visible(item)] as const));
  const changes = source.watch({ ...place, from, ...(onProgress ? { onProgress } : {}) }, signal);
  for await (const { type, object } of changes) {
    const next = type === 'DELETED' ? undefined : visible(object);
    const name = objectName(object);
    const isNew = type === 'ADDED' || (shown.has(name) && shown.get(name) === undefined);
    const last = shown.get(name) ?? project(object);
    if (type === 'DELETED') shown.delete(name);
    else shown.set(name, next);
    if (next) yield { type: isNew ? 'ADDED' : 'MODIFIED', object: next };
    else if (!isNew) yield { type: 'DELETED', object: goneAt(projection, object, last) };
  }
}

/** As it was last, with the resourceVersion of its end. */
function goneAt<S extends KubeObject>(
  { apiVersion, kind }: Projection<S>,
  { metadata }: S,
  last: KubeObject | undefined,
): KubeObject {
  const { resourceVersion } = metadata;
  return { apiVersion, kind, ...last, metadata: { ...(last?.metadata ?? metadata), resourceVersion } };
}
