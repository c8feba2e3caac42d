import { ApiError } from '../machinery/api-error.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { List, ListQuery, Resources } from '../machinery/resources.ts';
import type { Collection } from './collection.ts';

/** As many as kubectl asks for at once. */
const PAGE = 500;

interface ListBody<T> {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly T[] | null;
}

/** The reading verbs of one collection. */
export function createLists<T extends KubeObject>(at: Collection): Pick<Resources<T>, 'get' | 'list'> {
  const { transport, silenceMs } = at;
  const page = async (query: ListQuery): Promise<List<T>> => {
    const path = at.pathOf(query.namespace);
    const { body } = await transport.call({ method: 'GET', path, query: searchOf(query), silenceMs });
    const { metadata, items } = body as ListBody<T>;
    const { resourceVersion, continue: more, remainingItemCount } = metadata;
    return {
      ...{ items: items ?? [], resourceVersion },
      ...(more ? { continue: more } : {}),
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
    };
  };
  return {
    async get(namespace, name) {
      const path = at.pathTo(namespace, name);
      return (await transport.call({ method: 'GET', path, silenceMs })).body as T;
    },
    list: async (query = {}) =>
      query.limit === undefined && query.continue === undefined ? allPages(page, query) : page(query),
  };
}

/** Whole and of one moment: where what is still to come has changed since, everything is read again, at once. */
async function allPages<T>(page: (query: ListQuery) => Promise<List<T>>, query: ListQuery): Promise<List<T>> {
  const items: T[] = [];
  let next = await page({ ...query, limit: PAGE });
  for (;;) {
    items.push(...next.items);
    const { continue: more, resourceVersion } = next;
    if (more === undefined) return { items, resourceVersion };
    try {
      next = await page({ ...query, limit: PAGE, continue: more });
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'Expired') return page(query);
      throw error;
    }
  }
}

/** What a list or a watch selects, as a query. */
export function searchOf(query: ListQuery): URLSearchParams {
  const { name, labelSelector, fieldSelector, limit, continue: more } = query;
  const search = new URLSearchParams();
  const fields = [...(name === undefined ? [] : [`metadata.name=${name}`]), fieldSelector ?? ''];
  const selected = fields.filter((field) => field !== '').join(',');
  if (labelSelector !== undefined && labelSelector !== '') search.set('labelSelector', labelSelector);
  if (selected !== '') search.set('fieldSelector', selected);
  if (limit !== undefined) search.set('limit', String(limit));
  if (more !== undefined) search.set('continue', more);
  return search;
}
