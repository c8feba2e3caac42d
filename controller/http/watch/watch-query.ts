import type { FastifyRequest } from 'fastify';
import { ApiError, type FieldError } from '../../machinery/api-error.ts';
import type { ListQuery } from '../../machinery/resources.ts';
import {
  flagParameter,
  integerParameter,
  notSupported,
  readListQuery,
  refuseOptions,
  textParameter,
} from '../verbs/query.ts';

/** What a watch begins with, and how long it goes on. */
export interface WatchRequest {
  readonly selection: Omit<ListQuery, 'limit' | 'continue'>;
  /** Undefined: from now. */
  readonly from: string | undefined;
  /** What is there already is told first, as ADDED. */
  readonly isInitialWanted: boolean;
  /** A bookmark tells where what was there already ends. */
  readonly isInitialMarked: boolean;
  readonly wantsBookmarks: boolean;
  readonly timeoutMs: number | undefined;
}

const NOT_OLDER_THAN = 'NotOlderThan';
const EXACT = 'Exact';

/** @throws ApiError Invalid for what Kubernetes does not allow together */
export function readWatchRequest(request: FastifyRequest, namespace: string | undefined): WatchRequest {
  const match = textParameter(request, 'resourceVersionMatch');
  const sendInitialEvents = flagParameter(request, 'sendInitialEvents');
  refuseOptions('ListOptions', checkWatch(match, sendInitialEvents, textParameter(request, 'continue')));
  const { limit: _limit, continue: _continue, ...selection } = readListQuery(request, namespace);
  const version = textParameter(request, 'resourceVersion');
  const from = version === '0' || sendInitialEvents === true ? undefined : version;
  const timeoutSeconds = integerParameter(request, 'timeoutSeconds');
  return {
    ...{ selection, from },
    isInitialWanted: sendInitialEvents ?? from === undefined,
    isInitialMarked: sendInitialEvents === true,
    wantsBookmarks: flagParameter(request, 'allowWatchBookmarks') ?? false,
    timeoutMs: timeoutSeconds === undefined || timeoutSeconds === 0 ? undefined : timeoutSeconds * 1000,
  };
}

function checkWatch(
  match: string | undefined,
  sendInitialEvents: boolean | undefined,
  next: string | undefined,
): readonly FieldError[] {
  const field = 'resourceVersionMatch';
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && match !== NOT_OLDER_THAN) {
    errors.push(forbidden(field, `sendInitialEvents requires setting ${field} to ${NOT_OLDER_THAN}`));
  }
  if (match === undefined) return errors;
  if (sendInitialEvents === undefined) {
    errors.push(forbidden(field, `${field} is forbidden for watch unless sendInitialEvents is provided`));
  }
  if (match !== NOT_OLDER_THAN) errors.push(notSupported(field, match, [NOT_OLDER_THAN]));
  if (next !== undefined) errors.push(forbidden(field, `${field} is forbidden when continue is provided`));
  return errors;
}

/** What a list may say of the version it wants. @throws ApiError Invalid for what Kubernetes does not allow together */
export function readListVersion(request: FastifyRequest): { readonly exact: string | undefined } {
  const match = textParameter(request, 'resourceVersionMatch');
  const version = textParameter(request, 'resourceVersion');
  if (version !== undefined && !/^\d+$/.test(version)) {
    const allowed = 'the resourceVersion of a list or an object';
    throw new ApiError(
      'BadRequest',
      `resourceVersion: found ${JSON.stringify(version)}, allowed: ${allowed}`,
    );
  }
  const field = 'resourceVersionMatch';
  const errors: FieldError[] = [];
  if (match !== undefined && version === undefined) {
    errors.push(forbidden(field, `${field} is forbidden unless resourceVersion is provided`));
  }
  if (match !== undefined && textParameter(request, 'continue') !== undefined) {
    errors.push(forbidden(field, `${field} is forbidden when continue is provided`));
  }
  if (match !== undefined && match !== EXACT && match !== NOT_OLDER_THAN) {
    errors.push(notSupported(field, match, [EXACT, NOT_OLDER_THAN, '']));
  }
  if (match === EXACT && version === '0') {
    errors.push(forbidden(field, `${field} "exact" is forbidden for resourceVersion "0"`));
  }
  if (flagParameter(request, 'sendInitialEvents') !== undefined) {
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  refuseOptions('ListOptions', errors);
  return { exact: match === EXACT ? version : undefined };
}

function forbidden(field: string, why: string): FieldError {
  return { field, type: 'Forbidden', message: `Forbidden: ${why}` };
}
