import { SYSTEM_NAMESPACE } from '../api/bastion.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { Store } from '../store/store.ts';

/** In a store while a backup is put into it. */
export const RESTORE_NAME = 'restore';

export async function findRestore(store: Store): Promise<KubeObject | undefined> {
  return store.get('scopes', `${SYSTEM_NAMESPACE}/${RESTORE_NAME}`);
}

/** @throws when only a part of a backup may be there */
export async function refuseUnfinishedRestore(store: Store): Promise<void> {
  if (!(await findRestore(store))) return;
  throw new Error(
    'a backup is being restored into this store, or was not to its end: nothing is done before bastionctl restore has finished; run it again with the same backup',
  );
}
