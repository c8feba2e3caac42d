import { API_VERSION, GROUP } from '../api/bastion.ts';
import { guardSchema } from '../api/crd.ts';
import { GUARD_KIND, GUARD_RESOURCE, type Guard } from '../api/guard.ts';
import { validateGuard, validateGuardStatus } from '../api/guard-schema.ts';
import type { Strategy } from './strategy.ts';

/** A Guard has no spec: people write its annotations, the controller its status. */
export const guardStrategy: Strategy<Guard> = {
  collection: 'guards',
  apiVersion: API_VERSION,
  resource: GUARD_RESOURCE,
  kind: `${GUARD_KIND}.${GROUP}`,
  selectable: ['metadata.name', 'metadata.namespace'],
  countsGenerations: false,
  isTracked: true,
  schema: guardSchema,
  checkStatus: validateGuardStatus,
  complete: (stored) => stored,
  prepare(sent) {
    const errors = validateGuard(sent);
    if (errors.length > 0) return { ok: false, errors };
    return { ok: true, content: { apiVersion: API_VERSION, kind: GUARD_KIND } };
  },
};
