import type { Readable, Writable } from 'node:stream';

/** The streams of one `kubectl exec`, however they are carried. */
export interface ExecStreams {
  /** Undefined when the client sends nothing. */
  readonly stdin: Readable | undefined;
  /** Undefined when the client does not want it. */
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** For one Status at the end. */
  readonly error: Writable;
}

export interface ExecWishes {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}
