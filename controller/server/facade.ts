import type { ApiClient } from '../api/client.ts';
import type { Estate } from '../api/estate.ts';
import type { GitSource } from '../api/git-source.ts';
import type { Clock } from '../machinery/clock.ts';
import type { Store } from '../store/store.ts';
import { bastionStrategy } from './bastion-strategy.ts';
import { eventStrategy } from './event-strategy.ts';
import { GIT_SOURCE_ADVICE, gitSourceStrategy } from './git-source-strategy.ts';
import { guardStrategy } from './guard-strategy.ts';
import { refuseWrites } from './read-only.ts';
import { createResources } from './resources.ts';

export interface FacadeOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly newUid: () => string;
  /** Who this process is in metadata.managedFields, where a write does not say who makes it. */
  readonly fieldManager?: string;
  /** A source of manifests stands before it: it alone may say where a Bastion came from, and since when it counts. */
  readonly isSource?: boolean;
  /** What the configuration of the controller says now; left out where nobody knows. */
  readonly estate?: () => Estate;
}

const FIELD_MANAGER = 'bastion-controller';

/**
 * The Kubernetes API over the store, in this process: the one way in, for the controller, git sources, the command line and
 * the HTTP server alike. It keeps no state of its own, so any number of them can stand on one store.
 */
export function createFacade({ fieldManager = FIELD_MANAGER, estate, ...options }: FacadeOptions): ApiClient {
  const context = { ...options, fieldManager };
  const { updateStatus: _none, ...events } = createResources({
    ...context,
    strategy: eventStrategy(options.clock),
  });
  const { updateStatus: _neither, ...sources } = createResources({ ...context, strategy: gitSourceStrategy });
  return {
    bastions: createResources({ ...context, strategy: bastionStrategy(estate) }),
    events,
    guards: createResources({ ...context, strategy: guardStrategy }),
    gitsources: { ...sources, ...refuseWrites<GitSource>('gitsources', GIT_SOURCE_ADVICE) },
  };
}
