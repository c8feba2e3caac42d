import type { Clock } from '../machinery/clock.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { Store } from '../store/store.ts';
import type { Strategy } from './strategy.ts';

/** What the verbs over one collection of the store work with. */
export interface ResourceContext<T extends KubeObject> {
  readonly store: Store;
  readonly clock: Clock;
  readonly newUid: () => string;
  readonly strategy: Strategy<T>;
  /** Who writes where a write does not say so. */
  readonly fieldManager: string;
  /** A source of manifests writes: it alone may say where an object came from. */
  readonly isSource?: boolean;
}
