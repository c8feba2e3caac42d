import type { FastifyInstance } from 'fastify';
import type { Bastion } from '../../api/bastion.ts';
import type { ApiClient } from '../../api/client.ts';
import type { Clock } from '../../api/clock.ts';

/** What every group of routes is given. */
export interface ServerContext {
  readonly api: ApiClient;
  readonly clock: Clock;
  /** Of this program, such as 0.1.0. */
  readonly version: string;
  /** Nothing can be changed through this server. */
  readonly isReadOnly: boolean;
  readonly taskLogs: TaskLogs | undefined;
  /** The answer to `POST /bastion-operator/plan`, as JSON; left out where this process cannot look at AWS. */
  readonly preview: ((bastions: readonly Bastion[] | undefined) => Promise<unknown>) | undefined;
}

/** One group of routes adds itself. */
export type AddRoutes = (app: FastifyInstance, context: ServerContext) => void;

/** What a Bastion's task wrote, from where its log driver has put it. */
export interface TaskLogs {
  /**
   * Lines in the order of their time, without a newline at their end.
   * @throws ApiError NotFound when there is no log (yet), Forbidden, Unavailable
   */
  read(bastion: Bastion, query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
}

export interface LogQuery {
  /** Goes on with what is written later, until the signal aborts or the task has ended. */
  readonly isFollowed: boolean;
  readonly sinceMs?: number;
  /** The last so many lines to begin with. */
  readonly tailLines?: number;
  /** Of the task before this one. */
  readonly isPrevious: boolean;
}

export interface LogLine {
  readonly atMs: number;
  readonly text: string;
}
