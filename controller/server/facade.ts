import { isDeepStrictEqual } from 'node:util';
import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Clock } from '../api/clock.ts';
import { validateStatus } from '../api/schema.ts';
import type { Store } from '../store/store.ts';
import { bastionStrategy } from './bastion-strategy.ts';
import { eventStrategy } from './event-strategy.ts';
import { invalid } from './failures.ts';
import { sentMetadata } from './object-meta.ts';
import { checkIdentity } from './replace.ts';
import { createResources, plain, requireVersion } from './resources.ts';

export interface FacadeOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly newUid: () => string;
}

/**
 * The Kubernetes API over the store, in this process: the one way in, for the controller, git sources, the command line and
 * the HTTP server alike. It keeps no state of its own, so any number of them can stand on one store.
 */
export function createFacade({ store, clock, newUid }: FacadeOptions): ApiClient {
  const { modify, ...bastions } = createResources({ store, clock, newUid, strategy: bastionStrategy });
  const { modify: _modify, ...events } = createResources({
    ...{ store, clock, newUid },
    strategy: eventStrategy(clock),
  });
  const updateStatus = async (bastion: Bastion): Promise<Bastion> => {
    const sent = plain(bastion);
    const { namespace, name } = requireVersion(bastionStrategy, sent);
    const status = sent['status'] as Bastion['status'];
    const errors = status === undefined ? [] : validateStatus(status);
    if (errors.length > 0) throw invalid(bastionStrategy, name, errors);
    const change = (stored: Bastion): Bastion => {
      checkIdentity(bastionStrategy, stored, sentMetadata(sent));
      const { status: _before, ...rest } = stored;
      const next = status === undefined ? rest : { ...rest, status };
      return isDeepStrictEqual(next, stored) ? stored : next;
    };
    return modify(namespace, name, { isPinned: true, change });
  };
  return { bastions: { ...bastions, updateStatus }, events };
}
