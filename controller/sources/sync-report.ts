import type { GuardNews } from '../api/guard-record.ts';
import type { ObjectName } from '../machinery/object.ts';
import type { Problem } from './declared.ts';
import type { SourceState } from './source-record.ts';

/** What came of one look at a source. */
export interface SyncReport {
  readonly source: string;
  readonly state: SourceState;
  readonly message: string;
  /** What the ref names; left out when it could not be fetched. */
  readonly commit?: string;
  readonly created: readonly ObjectName[];
  readonly updated: readonly ObjectName[];
  readonly deleted: readonly ObjectName[];
  readonly unchanged: readonly ObjectName[];
  readonly problems: readonly Problem[];
  /** What a person should hear once. */
  readonly notes?: readonly string[];
  /** What has become of the guard of this source. */
  readonly news: readonly GuardNews[];
}
