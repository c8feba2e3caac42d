import { API_VERSION, GROUP, KIND } from '../../api/bastion.ts';
import type { ApiClient } from '../../api/client.ts';
import type { Plural } from '../../api/crd.ts';
import { GIT_SOURCE_KIND } from '../../api/git-source.ts';
import { GUARD_KIND } from '../../api/guard.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Resources } from '../../machinery/resources.ts';

/** One of the resource types that the API serves with all verbs, as discovery, routes and messages need it. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Which CRD describes it; none for events, whose schema is Kubernetes' own. */
  readonly crd?: Plural;
  of(api: ApiClient): Resources<KubeObject>;
  /** A status of its own, which others can read and only the controller writes. */
  readonly hasStatus: boolean;
}

const VERSION = API_VERSION.slice(GROUP.length + 1);

export const BASTIONS: ResourceType = {
  ...{ group: GROUP, version: VERSION, plural: 'bastions', singular: 'bastion', kind: KIND },
  ...{ shortNames: ['bst'], categories: ['all'], crd: 'bastions', hasStatus: true },
  of: (api) => api.bastions as Resources<KubeObject>,
};

export const GUARDS: ResourceType = {
  ...{ group: GROUP, version: VERSION, plural: 'guards', singular: 'guard', kind: GUARD_KIND },
  ...{ shortNames: [], categories: [], crd: 'guards', hasStatus: true },
  of: (api) => api.guards as Resources<KubeObject>,
};

/** Read-only for everybody. */
export const GIT_SOURCES = {
  ...{ group: GROUP, version: VERSION, plural: 'gitsources', singular: 'gitsource', kind: GIT_SOURCE_KIND },
  ...{ shortNames: ['sources', 'source'], categories: [] },
} as const;

export const EVENTS: ResourceType = {
  ...{ group: '', version: 'v1', plural: 'events', singular: 'event', kind: 'Event' },
  ...{ shortNames: ['ev'], categories: [], hasStatus: false },
  of: (api) => api.events as Resources<KubeObject>,
};

/** The types whose objects are kept in the store under this very group and version. */
export const RESOURCE_TYPES: readonly ResourceType[] = [BASTIONS, GUARDS, EVENTS];
