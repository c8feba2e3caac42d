import type { ApiClient } from '../api/client.ts';
import type { Place } from '../api/estate.ts';
import type { Aws } from '../aws/aws.ts';
import type { Log } from '../core/log.ts';
import type { Terms } from '../core/terms.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Clock } from '../machinery/clock.ts';
import type { Trace } from '../machinery/trace.ts';
import type { Store } from '../store/store.ts';
import type { Lease } from './lease.ts';
import type { Observer } from './observer.ts';

export interface ManagerOptions {
  readonly api: ApiClient;
  readonly store: Store;
  readonly clock: Clock;
  readonly kinds: readonly Kind[];
  /** Of the controller's own credentials. */
  readonly accountId: string;
  readonly defaultRegion: string;
  /** What was configured last. After a change of it somebody calls `reconfigure`. */
  readonly terms: () => Terms;
  /** Clients for one place and one tenure, which send nothing once `mayCall` denies it. */
  readonly connectPlace: (place: Place, mayCall: () => boolean) => () => Aws;
  /** Who holds it acts; the others stand by. */
  readonly lease: Lease;
  readonly log: Log;
  /** Called when it has come out, in a tenure, that this controller may act on the store. */
  readonly onServing?: () => void;
  readonly observer?: Observer | undefined;
  readonly trace?: Trace | undefined;
}
