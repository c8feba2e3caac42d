import type { Bastion } from './bastion.ts';

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
