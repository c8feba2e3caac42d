import type { PassRecord } from './pass-book.ts';
import type { QueueRun } from './queue.ts';

/** Told what happens by those who do it, for whoever counts. Must not throw. */
export interface Observer {
  /** A scope was asked for that did not wait already. */
  asked(): void;
  /** A run of the queue has ended. */
  ran(run: QueueRun): void;
  /** A pass has ended, or did not come about. */
  passed(record: PassRecord): void;
}
