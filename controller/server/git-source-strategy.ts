import { API_VERSION, GROUP } from '../api/bastion.ts';
import { gitSourceSchema } from '../api/crd.ts';
import { GIT_SOURCE_KIND, GIT_SOURCE_RESOURCE, type GitSource } from '../api/git-source.ts';
import type { Strategy } from './strategy.ts';

/** What to do instead of writing a GitSource. */
export const GIT_SOURCE_ADVICE =
  'which sources there are says the configuration of the controller (--git, or gitSources in its --config)';

/** The records that the syncing of git sources keeps. What it only remembers in them is nobody else's. */
export const gitSourceStrategy: Strategy<GitSource> = {
  collection: 'sources',
  apiVersion: API_VERSION,
  resource: GIT_SOURCE_RESOURCE,
  kind: `${GIT_SOURCE_KIND}.${GROUP}`,
  selectable: ['metadata.name', 'metadata.namespace'],
  countsGenerations: false,
  isTracked: false,
  schema: gitSourceSchema,
  complete: ({ metadata, spec, status }) => ({
    ...{ apiVersion: API_VERSION, kind: GIT_SOURCE_KIND, metadata, spec },
    ...(status && { status }),
  }),
  prepare: () => ({ ok: false, errors: [{ field: '', type: 'Forbidden', message: GIT_SOURCE_ADVICE }] }),
};
