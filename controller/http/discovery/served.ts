import type { ServerContext } from '../context.ts';
import { BASTIONS, EVENTS, GIT_SOURCES, GUARDS, type ResourceType } from '../verbs/resource-type.ts';

/** One resource as discovery, access reviews and OpenAPI tell of it: what this server really answers. */
export interface ServedResource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly ServedSubresource[];
}

export interface ServedSubresource {
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

const SESSIONS: readonly ServedSubresource[] = [
  { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
  { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
];

/** In the order in which kubectl lists them. */
export function servedResources({
  isReadOnly,
  tunnels,
}: Pick<ServerContext, 'isReadOnly' | 'tunnels'>): readonly ServedResource[] {
  const stored = (type: ResourceType) => storedResource(type, isReadOnly);
  return [
    stored(EVENTS),
    readOnly('', 'namespaces', 'namespace', 'Namespace', { isNamespaced: false, shortNames: ['ns'] }),
    readOnly('', 'pods', 'pod', 'Pod', {
      shortNames: ['po'],
      categories: ['all'],
      subresources: [
        { name: 'log', kind: 'Pod', verbs: ['get'] },
        ...(tunnels && !isReadOnly ? SESSIONS : []),
      ],
    }),
    readOnly('events.k8s.io', 'events', 'event', 'Event', {}),
    stored(BASTIONS),
    stored(GUARDS),
    { ...GIT_SOURCES, isNamespaced: true, verbs: READ, subresources: [] },
    review('authentication.k8s.io', 'SelfSubjectReview'),
    review('authorization.k8s.io', 'SelfSubjectAccessReview'),
    review('authorization.k8s.io', 'SelfSubjectRulesReview'),
  ];
}

function storedResource(type: ResourceType, isReadOnly: boolean): ServedResource {
  const { group, version, plural, singular, kind, shortNames, categories } = type;
  return {
    ...{ group, version, plural, singular, kind, shortNames, categories, isNamespaced: true },
    verbs: isReadOnly ? READ : WRITE,
    subresources: type.hasStatus ? [{ name: 'status', kind, verbs: ['get'] }] : [],
  };
}

function readOnly(
  group: string,
  plural: string,
  singular: string,
  kind: string,
  more: Partial<Pick<ServedResource, 'isNamespaced' | 'shortNames' | 'categories' | 'subresources'>>,
): ServedResource {
  return {
    ...{ group, version: 'v1', plural, singular, kind, verbs: READ, categories: [] },
    ...{ isNamespaced: true, shortNames: [], subresources: [] },
    ...more,
  };
}

/** Asks, and changes nothing: read-only servers answer too. */
function review(group: string, kind: string): ServedResource {
  const singular = kind.toLowerCase();
  return {
    ...{ group, version: 'v1', plural: `${singular}s`, singular, kind, verbs: ['create'] },
    ...{ isNamespaced: false, shortNames: [], categories: [], subresources: [] },
  };
}

/** `v1`, or `group/version`. */
export function groupVersionOf({ group, version }: Pick<ServedResource, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The groups but the core one, each once, in their order. */
export function servedGroups(resources: readonly ServedResource[]): readonly string[] {
  return [...new Set(resources.map(({ group }) => group))].filter((group) => group !== '');
}
