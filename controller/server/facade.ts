import { isDeepStrictEqual } from 'node:util';
import type { ApiClient, FieldError, StatusResources } from '../api/client.ts';
import type { Clock } from '../api/clock.ts';
import { validateGuardStatus } from '../api/guard-schema.ts';
import type { KubeObject } from '../api/object.ts';
import { validateStatus } from '../api/schema.ts';
import type { Store } from '../store/store.ts';
import { bastionStrategy } from './bastion-strategy.ts';
import { eventStrategy } from './event-strategy.ts';
import { invalid } from './failures.ts';
import { guardStrategy } from './guard-strategy.ts';
import { sentMetadata } from './object-meta.ts';
import { checkIdentity } from './replace.ts';
import { createResources, plain, requireVersion } from './resources.ts';
import type { Strategy } from './strategy.ts';

export interface FacadeOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly newUid: () => string;
}

/**
 * The Kubernetes API over the store, in this process: the one way in, for the controller, git sources, the command line and
 * the HTTP server alike. It keeps no state of its own, so any number of them can stand on one store.
 */
export function createFacade(options: FacadeOptions): ApiClient {
  const { modify: _modify, ...events } = createResources({
    ...options,
    strategy: eventStrategy(options.clock),
  });
  const bastions = withStatus(options, bastionStrategy, validateStatus);
  return { bastions, events, guards: withStatus(options, guardStrategy, validateGuardStatus) };
}

type WithStatus = KubeObject & { readonly status?: unknown };

/** The verbs over objects whose status is written apart from the rest. */
function withStatus<T extends WithStatus>(
  options: FacadeOptions,
  strategy: Strategy<T>,
  check: (status: unknown) => readonly FieldError[],
): StatusResources<T> {
  const { modify, ...resources } = createResources({ ...options, strategy });
  const updateStatus = async (object: T): Promise<T> => {
    const sent = plain(object);
    const { namespace, name } = requireVersion(strategy, sent);
    const { status } = sent;
    const errors = status === undefined ? [] : check(status);
    if (errors.length > 0) throw invalid(strategy, name, errors);
    const change = (stored: T): T => {
      checkIdentity(strategy, stored, sentMetadata(sent));
      const { status: _before, ...rest } = stored;
      const next = (status === undefined ? rest : { ...rest, status }) as T;
      return isDeepStrictEqual(next, stored) ? stored : next;
    };
    return modify(namespace, name, { isPinned: true, change });
  };
  return { ...resources, updateStatus };
}
