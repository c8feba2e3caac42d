import type { Fields, IsOver } from './repetition.ts';

/** What happened, for the log. The message is constant; what varies is in the fields. */
export interface Log {
  (level: 'info' | 'warn' | 'error', message: string, fields?: Fields): void;
  /**
   * Of those failures with this message: which are over, and which go on; undefined for those not asked about. So that a log which
   * does not repeat itself can say the end.
   */
  readonly over?: (message: string, isOver: IsOver) => void;
}
