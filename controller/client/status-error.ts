import { GROUP } from '../api/bastion.ts';
import { ApiError, type ApiErrorReason, type FieldError } from '../machinery/api-error.ts';
import { isRecord, ownField } from '../machinery/json.ts';
import { nameOf } from './unreachable.ts';

const REASONS: Readonly<Record<string, ApiErrorReason>> = {
  NotFound: 'NotFound',
  AlreadyExists: 'AlreadyExists',
  Conflict: 'Conflict',
  Invalid: 'Invalid',
  BadRequest: 'BadRequest',
  Forbidden: 'Forbidden',
  Expired: 'Expired',
  Gone: 'Expired',
  Unauthorized: 'Unauthorized',
  MethodNotAllowed: 'MethodNotAllowed',
  NotAcceptable: 'NotAcceptable',
  UnsupportedMediaType: 'UnsupportedMediaType',
  RequestEntityTooLarge: 'RequestEntityTooLarge',
  TooManyRequests: 'TooManyRequests',
  InternalError: 'InternalError',
  ServiceUnavailable: 'Unavailable',
  Timeout: 'Unavailable',
  ServerTimeout: 'Unavailable',
};

const CODES: Readonly<Record<number, ApiErrorReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
};

const CAUSES: Readonly<Record<string, FieldError['type']>> = {
  FieldValueRequired: 'Required',
  FieldValueInvalid: 'Invalid',
  FieldValueNotSupported: 'NotSupported',
  FieldValueDuplicate: 'Duplicate',
  FieldValueTooLong: 'TooLong',
  FieldValueTypeInvalid: 'TypeInvalid',
  FieldValueForbidden: 'Forbidden',
  FieldValueUnknown: 'Unknown',
  FieldManagerConflict: 'FieldManagerConflict',
};

/** What a Kubernetes API server says when it does not know a path. */
const NO_SUCH_PATH = 'the server could not find the requested resource';

export interface Refusal {
  readonly server: URL;
  readonly status: number;
  readonly body: string;
}

/** An answer that is no success, as the error that it stands for. */
export function failureOf({ server, status, body }: Refusal): ApiError {
  const parsed = asStatus(body);
  if (parsed && ownField(parsed, 'message') !== NO_SUCH_PATH) return statusError(parsed, status);
  if (parsed || status === 404 || status < 400) {
    const what = `${nameOf(server)} does not serve ${GROUP} (HTTP ${status})`;
    return new ApiError('Unavailable', `${what}: it is another server, or another path; check the URL`);
  }
  const why = body.trim().split('\n')[0]?.slice(0, 200) || 'no reason given';
  return new ApiError(CODES[status] ?? 'Unavailable', `${nameOf(server)} answered HTTP ${status}: ${why}`);
}

function asStatus(body: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) && parsed['kind'] === 'Status' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The error that a Kubernetes Status with `status: Failure` stands for. */
export function statusError(status: Record<string, unknown>, fallback = 500): ApiError {
  const { reason, message, code = fallback } = status;
  const byCode = typeof code === 'number' ? CODES[code] : undefined;
  const known = typeof reason === 'string' ? REASONS[reason] : undefined;
  const more = ownField(status['metadata'], 'continue');
  return new ApiError(
    known ?? byCode ?? 'Unavailable',
    typeof message === 'string' && message !== '' ? message : `the server answered ${String(code)}`,
    causesOf(ownField(status['details'], 'causes')),
    typeof more === 'string' && more !== '' ? { continue: more } : {},
  );
}

function causesOf(causes: unknown): FieldError[] {
  if (!Array.isArray(causes)) return [];
  return causes.filter(isRecord).map(({ reason, field, message }) => ({
    field: typeof field === 'string' ? field : '',
    type: (typeof reason === 'string' ? CAUSES[reason] : undefined) ?? 'Invalid',
    message: String(message ?? ''),
  }));
}
