import type { FastifyRequest } from 'fastify';
import type { Bastion } from '../../api/bastion.ts';
import { CONTAINER, type TaskState, taskOf } from '../../api/bastion-task.ts';
import { formatFieldError } from '../../api/schema.ts';
import type { LogLine, LogQuery, TaskLogs } from '../../api/task-logs.ts';
import { ApiError, type FieldError } from '../../machinery/api-error.ts';
import { rfc3339 } from '../../machinery/clock.ts';
import { parseRfc3339 } from '../../machinery/rfc3339.ts';
import type { AddRoutes, ServerContext } from '../context.ts';
import { aboutType, pathNames } from '../verbs/endpoint.ts';
import { flagParameter, textParameter } from '../verbs/query.ts';
import { PODS } from './pods.ts';
import { sendLines } from './text-stream.ts';

const PATH = '/api/v1/namespaces/:namespace/pods/:name/log';

/** What a Bastion's task wrote, as `kubectl logs` reads it. */
export const addLogs: AddRoutes = (app, context) => {
  app.get(PATH, { preParsing: aboutType(PODS) }, async (request, reply) => {
    const options = readOptions(request, context);
    const bastion = await readBastion(context, request);
    checkStarted(bastion, options.query.isPrevious);
    const { taskLogs = unreadable() } = context;
    await sendLines(request, reply, {
      read: (signal) => textOf(taskLogs, bastion, options, signal),
      limitBytes: options.limitBytes,
    });
  });
};

function unreadable(): TaskLogs {
  const hint = 'ask a server of the controller, or run bastionctl with your own AWS credentials';
  // Not Unavailable, which passes: clients would ask again and again.
  throw new ApiError('NotFound', `this server cannot look at AWS, so it cannot read logs: ${hint}`);
}

interface LogOptions {
  readonly query: LogQuery;
  readonly hasTimestamps: boolean;
  readonly limitBytes: number | undefined;
}

/** @throws ApiError Invalid, BadRequest */
function readOptions(request: FastifyRequest, { clock }: Pick<ServerContext, 'clock'>): LogOptions {
  const { name: pod } = pathNames({ type: PODS }, request);
  const errors: FieldError[] = [];
  const integer = (name: string, least: number): number | undefined => {
    const text = textParameter(request, name);
    if (text === undefined) return undefined;
    if (/^\d{1,12}$/.test(text) && Number(text) >= least) return Number(text);
    const message = `Invalid value: ${JSON.stringify(text)}: must be an integer greater than or equal to ${least}`;
    errors.push({ field: name, type: 'Invalid', message });
    return undefined;
  };
  const tailLines = integer('tailLines', 0);
  const sinceSeconds = integer('sinceSeconds', 1);
  const limitBytes = integer('limitBytes', 1);
  const sinceTime = readSinceTime(request, errors);
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    const message = 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified';
    errors.push({ field: 'sinceSeconds', type: 'Forbidden', message });
  }
  if (errors.length > 0) {
    const named = errors.map(formatFieldError).join(', ');
    throw new ApiError('Invalid', `PodLogOptions "${pod}" is invalid: ${named}`, errors);
  }
  const sinceMs = sinceSeconds === undefined ? sinceTime : clock.now() - sinceSeconds * 1000;
  checkContainer(textParameter(request, 'container'), pod);
  return {
    query: {
      isFollowed: flagParameter(request, 'follow') ?? false,
      isPrevious: flagParameter(request, 'previous') ?? false,
      ...(sinceMs === undefined ? {} : { sinceMs }),
      ...(tailLines === undefined ? {} : { tailLines }),
    },
    hasTimestamps: flagParameter(request, 'timestamps') ?? false,
    limitBytes,
  };
}

function readSinceTime(request: FastifyRequest, errors: FieldError[]): number | undefined {
  const text = textParameter(request, 'sinceTime');
  if (text === undefined) return undefined;
  const at = parseRfc3339(text);
  if (at !== undefined) return at;
  const message = `Invalid value: ${JSON.stringify(text)}: must be an RFC 3339 time such as 2026-11-23T09:00:00Z`;
  errors.push({ field: 'sinceTime', type: 'Invalid', message });
  return undefined;
}

function checkContainer(container: string | undefined, pod: string): void {
  if (container === undefined || container === CONTAINER) return;
  throw new ApiError(
    'BadRequest',
    `container ${container} is not valid for pod ${pod}: it has only ${CONTAINER}`,
  );
}

/** @throws ApiError NotFound when there is no such Bastion, or nothing that ever ran for it */
async function readBastion({ api }: Pick<ServerContext, 'api'>, request: FastifyRequest): Promise<Bastion> {
  const { namespace, name } = pathNames({ type: PODS }, request);
  const bastion = await api.bastions.get(namespace, name).catch((error: unknown) => {
    if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
    throw error;
  });
  if (bastion && (taskOf(bastion) || bastion.status?.task?.lastStoppedArn !== undefined)) return bastion;
  const why = bastion ? `: bastion "${name}" has no task (${bastion.status?.phase ?? 'Pending'})` : '';
  throw new ApiError('NotFound', `pods "${name}" not found${why}`);
}

const NOT_STARTED: readonly (TaskState | undefined)[] = ['starting', undefined];

/** @throws ApiError BadRequest, worded as Kubernetes does */
function checkStarted(bastion: Bastion, isPrevious: boolean): void {
  const { name } = bastion.metadata;
  if (isPrevious) {
    if (bastion.status?.task?.lastStoppedArn !== undefined) return;
    const message = `previous terminated container "${CONTAINER}" in pod "${name}" not found`;
    throw new ApiError('BadRequest', message);
  }
  const task = taskOf(bastion);
  if (!NOT_STARTED.includes(task?.state)) return;
  const why = task?.message ? ` (${task.message})` : '';
  const message = `container "${CONTAINER}" in pod "${name}" is waiting to start: ContainerCreating${why}`;
  throw new ApiError('BadRequest', message);
}

async function* textOf(
  taskLogs: TaskLogs,
  bastion: Bastion,
  { query, hasTimestamps }: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for await (const line of taskLogs.read(bastion, query, signal)) {
    yield hasTimestamps ? `${timeOf(line)} ${line.text}\n` : `${line.text}\n`;
  }
}

/** With milliseconds: that is how well CloudWatch Logs knows it. */
function timeOf({ atMs }: LogLine): string {
  return rfc3339(atMs).replace('Z', `.${String(atMs % 1000).padStart(3, '0')}Z`);
}
