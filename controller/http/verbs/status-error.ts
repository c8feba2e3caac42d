import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, type ApiErrorReason, type FieldError } from '../../machinery/api-error.ts';
import type { Subject } from '../door/request-info.ts';

/** Kubernetes' answer where there is no object to answer with. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: { readonly continue?: string };
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The plural; of what is Invalid, the kind. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

const CODES: Readonly<Record<ApiErrorReason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  Unavailable: 503,
};

const CAUSES: Readonly<Record<FieldError['type'], string>> = {
  Required: 'FieldValueRequired',
  Invalid: 'FieldValueInvalid',
  NotSupported: 'FieldValueNotSupported',
  Unknown: 'FieldValueInvalid',
  Duplicate: 'FieldValueDuplicate',
  TooLong: 'FieldValueTooLong',
  TypeInvalid: 'FieldValueTypeInvalid',
  FieldManagerConflict: 'FieldManagerConflict',
  Forbidden: 'FieldValueForbidden',
};

/** A small body can be wrong in a hundred thousand places; the message says how many there are. */
const MAX_CAUSES = 256;

/** What is over soon: too many watches, a store that does not answer. */
const RETRY_AFTER_SECONDS = 1;

/** What is wrong is not the object of the request. */
export class SubjectError extends ApiError {
  readonly subject: Subject;
  constructor(subject: Subject, ...rest: ConstructorParameters<typeof ApiError>) {
    super(...rest);
    this.subject = subject;
  }
}

export function failureStatus(error: ApiError, about?: Subject): Status {
  const { reason, message } = error;
  const subject = error instanceof SubjectError ? error.subject : about;
  return {
    ...{ kind: 'Status', apiVersion: 'v1' },
    metadata: error.continue === undefined ? {} : { continue: error.continue },
    ...{ status: 'Failure', message, reason: reason === 'Unavailable' ? 'ServiceUnavailable' : reason },
    ...{ details: detailsOf(error, subject), code: CODES[reason] },
  };
}

function detailsOf({ reason, causes }: ApiError, subject: Subject | undefined): StatusDetails {
  const isPassing = reason === 'TooManyRequests' || reason === 'Unavailable';
  return {
    ...(subject?.name === undefined || subject.name === '' ? {} : { name: subject.name }),
    ...(subject === undefined || subject.group === '' ? {} : { group: subject.group }),
    ...(subject === undefined ? {} : { kind: reason === 'Invalid' ? subject.kind : subject.plural }),
    ...(causes.length === 0 ? {} : { causes: causes.slice(0, MAX_CAUSES).map(causeOf) }),
    ...(isPassing ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}),
  };
}

function causeOf({ field, type, message }: FieldError): StatusCause {
  return { reason: CAUSES[type], message, ...(field === '' ? {} : { field }) };
}

/** The answer to what went well and left no object behind. */
export function successStatus(details: StatusDetails): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details, code: 200 };
}

/** Answers `error` as a Status, whatever it is; what is the server's own failure is logged and not shown. */
export function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = asApiError(error);
  if (known === undefined) {
    const path = pathOf(request.url);
    request.server.serving.onFailure({ method: request.method, path, error });
  }
  const status = failureStatus(known ?? internalError(), request.subject);
  // A write that was not answered may have taken effect: it is not for the client's library to send it again unasked.
  const mayRetry = request.method === 'GET' || status.code === 429;
  if (status.details?.retryAfterSeconds !== undefined && mayRetry) {
    reply.header('Retry-After', String(status.details.retryAfterSeconds));
  }
  // Who has as many connections as it may needs this one for what it asks next.
  if (status.code === 429) reply.header('Connection', 'close');
  if (status.code === 401) reply.header('WWW-Authenticate', 'Bearer realm="bastion-operator"');
  reply
    .code(status.code)
    .header('Content-Type', 'application/json')
    .send(Buffer.from(`${JSON.stringify(status)}\n`));
}

export function internalError(): ApiError {
  return new ApiError(
    'InternalError',
    'Internal error occurred: the server failed to answer; its log says why',
  );
}

/** The failure as the API has it; undefined for what is the server's own. */
export function asApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error.reason === 'InternalError' ? undefined : error;
  if (!(error instanceof Error)) return undefined;
  const { code, statusCode } = error as { readonly code?: unknown; readonly statusCode?: unknown };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new ApiError('RequestEntityTooLarge', 'Request entity too large: send less in one request');
  }
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return unknownPath();
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new ApiError('UnsupportedMediaType', error.message);
  const isClients = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
  return isClients ? new ApiError('BadRequest', error.message) : undefined;
}

/** Paths only: queries can hold what logs should not. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}

/** For what no route answers. */
export function answerUnknownPath(request: FastifyRequest, reply: FastifyReply): void {
  answerFailure(unknownPath(), request, reply);
}

function unknownPath(): ApiError {
  return new ApiError('NotFound', 'the server could not find the requested resource');
}

export function answerUnknownMethod(request: FastifyRequest, reply: FastifyReply): void {
  const message = 'the server does not allow this method on the requested resource';
  answerFailure(new ApiError('MethodNotAllowed', message), request, reply);
}
