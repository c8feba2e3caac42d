import type { Version } from '../api/versions.ts';
import type { ConnectionOptions } from './connection.ts';

/** The store as a whole, for those who may read and write all of it. */
export interface Backups {
  /** Everything but the lease and the history, as text. */
  take(options: ConnectionOptions): Promise<Taken>;
  /** Puts it into a store that is empty, and that no controller leads over. `tell`: what is waited for. */
  restore(options: ConnectionOptions, text: string, tell: (what: string) => void): Promise<Restored>;
  /** Writes all Bastions in that version. @returns how many were in another one */
  migrate(options: ConnectionOptions, to: Version): Promise<number>;
}

export interface Taken {
  readonly text: string;
  readonly bastions: number;
}

export interface Restored {
  /** RFC 3339 */
  readonly takenAt: string;
  readonly bastions: number;
}
