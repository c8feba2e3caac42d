import type { FastifyRequest } from 'fastify';
import { formatFieldError } from '../../api/schema.ts';
import { ApiError, type FieldError } from '../../machinery/api-error.ts';
import type { ApplyOptions, FieldValidation, ListQuery, WriteOptions } from '../../machinery/resources.ts';
import { fieldManagerErrors } from '../../server/field-manager.ts';
import { SubjectError } from './status-error.ts';

/** The options object of the Kubernetes API that a set of parameters stands for, as messages name it. */
type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions' | 'ListOptions';

/** Every value of a parameter; none when it is not there. */
export function parameters({ query }: FastifyRequest, name: string): readonly string[] {
  const value = (query as Readonly<Record<string, unknown>>)[name];
  if (Array.isArray(value)) return value.map(String);
  return value === undefined ? [] : [String(value)];
}

/** Left out and empty are the same. */
export function textParameter(request: FastifyRequest, name: string): string | undefined {
  return parameters(request, name)[0] || undefined;
}

/** As Kubernetes reads it: all but `false` and `0` means true. */
export function flagParameter(request: FastifyRequest, name: string): boolean | undefined {
  const [value] = parameters(request, name);
  return value === undefined ? undefined : !['false', '0'].includes(value.toLowerCase());
}

export function integerParameter(request: FastifyRequest, name: string): number | undefined {
  const value = textParameter(request, name);
  if (value === undefined) return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new ApiError('BadRequest', `${name}: found ${JSON.stringify(value)}, allowed: an integer from 0`);
}

/** @throws ApiError Invalid when there is an error */
export function refuseOptions(kind: OptionsKind, errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  const named = errors.map(formatFieldError);
  const text = named.length === 1 ? named[0] : `[${named.join(', ')}]`;
  const subject = { group: 'meta.k8s.io', plural: kind, kind };
  throw new SubjectError(subject, 'Invalid', `${kind}.meta.k8s.io "" is invalid: ${text}`, errors);
}

export function notSupported(field: string, value: string, supported: readonly string[]): FieldError {
  const allowed = supported.map((each) => JSON.stringify(each)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed}`;
  return { field, type: 'NotSupported', message };
}

export function readListQuery(request: FastifyRequest, namespace: string | undefined): ListQuery {
  const labelSelector = textParameter(request, 'labelSelector');
  const fieldSelector = textParameter(request, 'fieldSelector');
  const limit = integerParameter(request, 'limit');
  const next = textParameter(request, 'continue');
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(limit === undefined || limit === 0 ? {} : { limit }),
    ...(next === undefined ? {} : { continue: next }),
  };
}

const FIELD_VALIDATIONS: readonly string[] = ['Ignore', 'Warn', 'Strict'];
const MAX_MANAGER = 128;

/** What create, update, patch and apply have in common. */
export function readWriteOptions(
  request: FastifyRequest,
  kind: OptionsKind,
  onWarning: (message: string) => void,
): Required<WriteOptions> {
  const manager = textParameter(request, 'fieldManager');
  const validation = textParameter(request, 'fieldValidation') ?? 'Warn';
  const dryRun = parameters(request, 'dryRun');
  const isKnown = FIELD_VALIDATIONS.includes(validation);
  refuseOptions(kind, [
    ...checkDryRun(dryRun),
    ...(manager === undefined ? [] : fieldManagerErrors(manager)),
    ...(isKnown ? [] : [notSupported('fieldValidation', validation, ['', ...FIELD_VALIDATIONS])]),
  ]);
  return {
    dryRun: dryRun.length > 0,
    fieldManager: manager ?? managerFromAgent(request.headers['user-agent']),
    fieldValidation: validation as FieldValidation,
    onWarning,
  };
}

/** @throws ApiError Invalid when nobody is named: what is applied always is somebody's */
export function readApplyOptions(request: FastifyRequest, options: WriteOptions): ApplyOptions {
  const fieldManager = textParameter(request, 'fieldManager') ?? '';
  const message = 'Required value: is required for apply patch';
  refuseOptions(
    'PatchOptions',
    fieldManager === '' ? [{ field: 'fieldManager', type: 'Required', message }] : [],
  );
  return { ...options, fieldManager, force: flagParameter(request, 'force') ?? false };
}

/** @throws ApiError Invalid: only an apply can be forced */
export function refuseForce(request: FastifyRequest): void {
  if (flagParameter(request, 'force') === undefined) return;
  const message = 'Forbidden: may not be specified for non-apply patch';
  refuseOptions('PatchOptions', [{ field: 'force', type: 'Forbidden', message }]);
}

export function checkDryRun(values: readonly string[]): FieldError[] {
  const unknown = values.find((value) => value !== 'All');
  return unknown === undefined ? [] : [notSupported('dryRun', unknown, ['All'])];
}

/** The program's name, which clients put first: `kubectl/v1.32.4 (linux/amd64) …` is kubectl. */
function managerFromAgent(agent = ''): string {
  const program = agent.split('/', 1)[0] ?? '';
  return program.replace(/[^\x20-\x7e]/g, '').slice(0, MAX_MANAGER) || 'unknown';
}
