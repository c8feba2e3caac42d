import { ApiError } from '../machinery/api-error.ts';
import { isRecord, ownField } from '../machinery/json.ts';
import { type KubeObject, type ObjectName, objectName } from '../machinery/object.ts';
import type { List, ListQuery } from '../machinery/resources.ts';
import { ExpiredError, type ListResult, type Store } from '../store/store.ts';
import { badRequest, storeFailure } from './failures.ts';
import { answered } from './modify.ts';
import type { ResourceContext } from './resource-context.ts';
import { parseSelection } from './selection.ts';
import type { Strategy } from './strategy.ts';
import { completeOnce } from './watch-selection.ts';

/** Where a list goes on. It says everything: any process on the same table can answer the next page. */
interface Position {
  /** Of the first page; left out where the next page may show whatever is there by now. */
  readonly revision?: number;
  /** The last object of the page before. */
  readonly after: ObjectName;
}

/** So much history is read to tell whether a list can go on; a list that takes longer begins anew. */
const MAX_HISTORY = 5_000;

const INCONSISTENT =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.';

/** @throws ApiError BadRequest, Expired */
export async function listPage<T extends KubeObject>(
  { store, strategy }: ResourceContext<T>,
  query: ListQuery,
): Promise<List<T>> {
  const selection = parseSelection(query, strategy.selectable);
  const position = query.continue ? parsePosition(query.continue) : undefined;
  const now = await answered(store.list<T>(strategy.collection));
  const revision = position?.revision ?? now.revision;
  const newer = position ? await newerThan(store, strategy, { query, now, position }) : new Set<ObjectName>();
  const selected = now.items
    .filter((item) => !position || (isAfter(item, position.after) && !newer.has(objectName(item))))
    .map((item) => completeOnce(strategy, item))
    .filter(selection.matches);
  const { limit } = query;
  const items = limit !== undefined && limit > 0 ? selected.slice(0, limit) : selected;
  const last = items.at(-1);
  const left = selected.length - items.length;
  if (left === 0 || !last) return { items, resourceVersion: String(revision) };
  return {
    items,
    resourceVersion: String(revision),
    continue: formatPosition({ revision, after: objectName(last) }),
    ...(selection.isFixed ? { remainingItemCount: left } : {}),
  };
}

interface Continued {
  readonly query: ListQuery;
  readonly now: ListResult<KubeObject>;
  readonly position: Position;
}

/**
 * The objects after the position that were created since its revision and that a list of that revision hence leaves out.
 * @throws ApiError Expired when the rest of that list cannot be told any more
 */
async function newerThan(
  store: Store,
  strategy: Pick<Strategy<KubeObject>, 'collection'>,
  { query, now, position }: Continued,
): Promise<ReadonlySet<ObjectName>> {
  const { revision, after } = position;
  const created = new Set<ObjectName>();
  if (revision === undefined || revision === now.revision) return created;
  const expired = new ApiError('Expired', INCONSISTENT, [], { continue: formatPosition({ after }) });
  if (revision > now.revision || now.revision - revision > MAX_HISTORY) throw expired;
  const stop = new AbortController();
  try {
    for await (const change of store.watch({ from: revision, signal: stop.signal })) {
      const name = objectName(change.object);
      const isOurs = change.collection === strategy.collection && mayShow(query, change.object, after);
      if (isOurs && change.type === 'ADDED') created.add(name);
      else if (isOurs && !created.has(name)) throw expired;
      if (change.revision >= now.revision) return created;
    }
    throw expired;
  } catch (error) {
    throw error instanceof ExpiredError ? expired : storeFailure(error);
  } finally {
    stop.abort();
  }
}

function mayShow({ namespace, name }: ListQuery, object: KubeObject, after: ObjectName): boolean {
  const { metadata } = object;
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  return (name === undefined || metadata.name === name) && isAfter(object, after);
}

/** In the order of the store's lists: by namespace, then by name. */
function isAfter({ metadata }: KubeObject, name: ObjectName): boolean {
  const [afterNamespace = '', afterName = ''] = name.split('/');
  if (metadata.namespace !== afterNamespace) return metadata.namespace > afterNamespace;
  return metadata.name > afterName;
}

function formatPosition(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function parsePosition(token: string): Position {
  const invalid = (why: string) => badRequest(`continue key is not valid: ${why}`);
  let found: unknown;
  try {
    found = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    throw invalid('it is not what an earlier list has answered');
  }
  const revision = ownField(found, 'revision');
  const after = ownField(found, 'after');
  if (!isRecord(found) || typeof after !== 'string' || !/^[^/]+\/[^/]+$/.test(after)) {
    throw invalid('it does not say which object it goes on after');
  }
  if (revision === undefined) return { after: after as ObjectName };
  if (typeof revision === 'number' && Number.isSafeInteger(revision) && revision >= 0) {
    return { revision, after: after as ObjectName };
  }
  throw invalid('it does not say which revision it belongs to');
}
