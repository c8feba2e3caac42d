import { fence } from '../api/fence.ts';
import type { Store } from './store.ts';

const WRITES: ReadonlySet<string | symbol> = new Set<keyof Store>([
  ...(['put', 'delete', 'trim', 'forgetDeletions', 'writeActivation', 'removeActivation'] as const),
]);

/** The same store, for one who may write only as long as `mayWrite` says so. Leases have a fence of their own: their epoch. */
export function fenceStore(store: Store, mayWrite: () => boolean): Store {
  return fence(store, { name: 'store', writes: WRITES, mayWrite });
}
