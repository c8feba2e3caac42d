import { isDeepStrictEqual } from 'node:util';
import { ApiError } from '../machinery/api-error.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { KubeObject } from '../machinery/object.ts';
import { invalid } from './failures.ts';
import type { Strategy } from './strategy.ts';

/**
 * What `stored` becomes when its status alone is replaced; deeply equal to it when nothing changed.
 * @throws ApiError Invalid
 */
export function replaceStatus<T extends KubeObject>(strategy: Strategy<T>, stored: T, sent: JsonObject): T {
  const { status } = sent;
  if (!strategy.checkStatus) {
    throw new ApiError('NotFound', 'the server could not find the requested resource');
  }
  const errors = status === undefined ? [] : strategy.checkStatus(status);
  if (errors.length > 0) throw invalid(strategy, stored.metadata.name, errors);
  const { status: _before, ...rest } = stored as T & { readonly status?: unknown };
  const next = (status === undefined ? rest : { ...rest, status }) as T;
  return isDeepStrictEqual(next, stored) ? stored : next;
}
