import { GetLogEventsCommand, type GetLogEventsCommandOutput } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTasksCommand } from '@aws-sdk/client-ecs';
import type { Bastion } from '../api/bastion.ts';
import { logStreamOf, taskId, taskOf } from '../api/bastion-task.ts';
import type { Place } from '../api/estate.ts';
import type { LogLine, LogQuery, TaskLogs } from '../api/task-logs.ts';
import { nameFor } from '../core/key.ts';
import { ApiError } from '../machinery/api-error.ts';
import { type Clock, sleep } from '../machinery/clock.ts';
import type { Aws } from './aws.ts';
import { classify, explain } from './errors.ts';

export interface TaskLogsOptions {
  /** Clients for the account and region that a task is in. */
  readonly connect: (place: Place) => Aws;
  readonly installation: string;
  readonly clock: Clock;
}

/** How soon a follower sees a line; one reader stays far below what AWS allows to all together. */
const POLL_MS = 1_500;
/** How often ECS is asked whether the task has ended. */
const ASK_EVERY_MS = 10_000;
/** A task whose containers have ended writes no more. */
const WRITTEN_OUT = ['DEPROVISIONING', 'STOPPED'];
/** What a task wrote last takes so long to be found. */
const DELIVERY_MS = 5_000;
/** AWS's limit for one call. */
const MOST_EVENTS = 10_000;
/** More than this is read from the beginning, and not held in memory to find the last ones. */
const MOST_TAIL = 50_000;
const THROTTLED_TRIES = 5;
const THROTTLED_MS = 1_000;

/** Reads from CloudWatch Logs, where the log driver of the task definition writes to. */
export function createTaskLogs(options: TaskLogsOptions): TaskLogs {
  return {
    read(bastion, query, signal) {
      const arn = arnIn(bastion, query);
      const stream: Stream = {
        ...{ aws: options.connect(placeIn(arn)), clock: options.clock, arn, signal },
        group: nameFor.logGroup(options.installation),
        startTime: query.sinceMs,
      };
      return quietly(readLines(stream, query), signal);
    },
  };
}

/** One task's output, for one reader. */
interface Stream {
  readonly aws: Pick<Aws, 'logs' | 'ecs'>;
  readonly clock: Clock;
  readonly arn: string;
  readonly group: string;
  readonly startTime: number | undefined;
  readonly signal: AbortSignal;
}

/** @throws ApiError NotFound */
function arnIn(bastion: Bastion, { isPrevious }: LogQuery): string {
  const last = bastion.status?.task?.lastStoppedArn;
  const arn = isPrevious ? last : (taskOf(bastion)?.arn ?? last);
  if (arn !== undefined) return arn;
  const which = isPrevious ? 'earlier task' : 'task';
  throw new ApiError(
    'NotFound',
    `bastion "${bastion.metadata.name}" has no ${which} whose log could be read`,
  );
}

/** arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID */
function placeIn(arn: string): Place {
  const [, , , region = '', accountId = ''] = arn.split(':');
  return { accountId, region };
}

/** A reader that has gone is no failure. */
async function* quietly(lines: AsyncIterable<LogLine>, signal: AbortSignal): AsyncGenerator<LogLine> {
  try {
    yield* lines;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function* readLines(stream: Stream, query: LogQuery): AsyncGenerator<LogLine> {
  const { tailLines } = query;
  const isTail = tailLines !== undefined && tailLines <= MOST_TAIL;
  let token: string | undefined;
  try {
    const tail = isTail ? await readTail(stream, tailLines) : undefined;
    yield* tail?.lines ?? [];
    token = tail ? tail.next : yield* readOn(stream, undefined);
  } catch (error) {
    // A follower waits for the stream, which is made when the first line is.
    if (!query.isFollowed || !isMissing(error) || (await hasEnded(stream))) throw asApiError(stream, error);
  }
  if (query.isFollowed && !query.isPrevious) yield* follow(stream, token);
}

/** Until the task has ended and all it wrote is there. */
async function* follow(stream: Stream, begin: string | undefined): AsyncGenerator<LogLine> {
  const { clock, signal } = stream;
  let token = begin;
  let isLast = false;
  let askAt = clock.now() + ASK_EVERY_MS;
  while (!signal.aborted) {
    await sleep(clock, isLast ? DELIVERY_MS : POLL_MS, signal);
    if (signal.aborted) return;
    try {
      token = yield* readOn(stream, token);
    } catch (error) {
      // The log group goes with the last task of an installation.
      if (isMissing(error) && (await hasEnded(stream))) return;
      if (token !== undefined || !isMissing(error)) throw asApiError(stream, error);
    }
    if (isLast) return;
    if (clock.now() < askAt) continue;
    askAt = clock.now() + ASK_EVERY_MS;
    isLast = await hasEnded(stream);
  }
}

/** Everything from a place on, and the place after it. At the end AWS answers with the token that was sent. */
async function* readOn(
  stream: Stream,
  begin: string | undefined,
): AsyncGenerator<LogLine, string | undefined> {
  let token = begin;
  for (;;) {
    const page = await getEvents(stream, { token, isForward: true, limit: MOST_EVENTS });
    yield* linesOf(page);
    const next = page.nextForwardToken;
    if (next === undefined || next === token) return token;
    token = next;
  }
}

/** The last lines in their order, and the place after them. A page may be empty with others before it. */
async function readTail(stream: Stream, count: number) {
  const lines: LogLine[] = [];
  let next: string | undefined;
  let token: string | undefined;
  do {
    const limit = Math.max(1, Math.min(count - lines.length, MOST_EVENTS));
    const page = await getEvents(stream, { token, isForward: false, limit });
    lines.unshift(...linesOf(page));
    next ??= page.nextForwardToken;
    if (page.nextBackwardToken === undefined || page.nextBackwardToken === token) break;
    token = page.nextBackwardToken;
  } while (lines.length < count);
  return { next, lines: count === 0 ? [] : lines.slice(-count) };
}

function linesOf({ events = [] }: GetLogEventsCommandOutput): LogLine[] {
  return events.map(({ timestamp = 0, message = '' }) => ({
    atMs: timestamp,
    text: message.replace(/\r?\n$/, ''),
  }));
}

interface Page {
  readonly token: string | undefined;
  readonly isForward: boolean;
  readonly limit: number;
}

/** Waits where AWS says that it is asked too often. */
async function getEvents(stream: Stream, page: Page): Promise<GetLogEventsCommandOutput> {
  const { aws, clock, signal } = stream;
  for (let attempt = 1; ; attempt++) {
    try {
      return await aws.logs.send(commandFor(stream, page), { abortSignal: signal });
    } catch (error) {
      if (signal.aborted || attempt === THROTTLED_TRIES || classify(error) !== 'throttled') throw error;
      await sleep(clock, THROTTLED_MS * attempt, signal);
    }
  }
}

function commandFor({ group, arn, startTime }: Stream, { token, isForward, limit }: Page) {
  return new GetLogEventsCommand({
    ...{ logGroupName: group, logStreamName: logStreamOf(arn), startFromHead: isForward, limit },
    ...(startTime === undefined ? {} : { startTime: Math.max(0, startTime) }),
    ...(token === undefined ? {} : { nextToken: token }),
  });
}

/** A task that ECS no longer remembers has ended; one that cannot be asked about now is followed on. */
async function hasEnded({ aws, arn, signal }: Stream): Promise<boolean> {
  const cluster = arn.split('/')[1] ?? '';
  const command = new DescribeTasksCommand({ cluster, tasks: [arn] });
  try {
    const { tasks = [] } = await aws.ecs.send(command, { abortSignal: signal });
    return tasks.every(({ lastStatus = '' }) => WRITTEN_OUT.includes(lastStatus));
  } catch (error) {
    return classify(error) === 'gone';
  }
}

function isMissing(error: unknown): boolean {
  return classify(error) === 'gone';
}

function asApiError({ group, arn }: Stream, error: unknown): unknown {
  const why = explain(error);
  const where = `log stream ${logStreamOf(arn)} of log group ${group}`;
  const caused = (reason: ApiError['reason'], message: string) =>
    Object.assign(new ApiError(reason, message), { cause: error });
  switch (classify(error)) {
    case 'gone':
      return caused('NotFound', `task ${taskId(arn)} has no log: ${where} does not exist (${why})`);
    case 'denied':
      return caused('Forbidden', `${where} may not be read: allow logs:GetLogEvents (${why})`);
    case 'throttled':
      return caused('TooManyRequests', `AWS is asked too often, try again later: ${why}`);
    default:
      return caused('Unavailable', `${where} cannot be read: ${why}`);
  }
}
