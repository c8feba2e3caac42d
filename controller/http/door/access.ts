import type { ServedResource } from '../discovery/served.ts';
import { BASTIONS } from '../verbs/resource-type.ts';

/** What a client would like to do. */
export type AccessRequest =
  | {
      readonly type: 'resource';
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
    }
  | { readonly type: 'path'; readonly verb: string; readonly path: string };

/** A status of an access review. */
export interface Verdict {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Paths beside the resources that everybody may read. A star stands for the rest of a path. */
const PATHS = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/readyz',
  '/version',
  '/version/',
];
const MORE_PATHS = ['/openapi/v3', '/openapi/v3/*'];
const READABLE = [...PATHS, ...MORE_PATHS];
/** What this program answers beside what Kubernetes has. */
const PLAN_PATH = '/bastion-operator/plan';

/**
 * Whoever is let in may do all that this server does: what is allowed in AWS is decided by the credentials it runs with, and
 * for the table by IAM.
 */
export function judgeAccess(
  served: readonly ServedResource[],
  { isReadOnly }: { readonly isReadOnly: boolean },
  request: AccessRequest,
): Verdict {
  if (request.type === 'path') return judgePath(request.verb.toLowerCase(), request.path);
  const { verb, group, resource, subresource } = request;
  const all = entriesOf(served);
  const wanted = subresource === '' ? resource : `${resource}/${subresource}`;
  const asked = all.filter((one) => matches(group, one.group) && matches(wanted, one.resource));
  if (asked.length === 0) return { allowed: false, reason: `this server has no ${named(wanted, group)}` };
  const refused = asked.find((one) => !allows(one.verbs, verb));
  if (!refused) return { allowed: true, reason: 'whoever may use this server may do so' };
  const canWrite = refused.group === BASTIONS.group || refused.resource === 'events';
  const why = isReadOnly && canWrite ? 'this server is read-only' : 'this server does not do that';
  return { allowed: false, reason: `${why}: ${verb} ${named(refused.resource, refused.group)}` };
}

/** A status of a rules review: the same in every namespace. */
export function rulesOf(served: readonly ServedResource[]) {
  return {
    resourceRules: entriesOf(served).map(({ group, resource, verbs }) => ({
      ...{ verbs, apiGroups: [group], resources: [resource] },
    })),
    nonResourceRules: [
      { verbs: ['get'], nonResourceURLs: READABLE },
      { verbs: ['post'], nonResourceURLs: [PLAN_PATH] },
    ],
    incomplete: false,
  };
}

interface Entry {
  readonly group: string;
  /** `pods`, or `pods/log`. */
  readonly resource: string;
  readonly verbs: readonly string[];
}

function entriesOf(served: readonly ServedResource[]): Entry[] {
  return served.flatMap(({ group, plural, verbs, subresources }) => [
    { group, resource: plural, verbs },
    ...subresources.map((one) => ({ group, resource: `${plural}/${one.name}`, verbs: one.verbs })),
  ]);
}

function matches(asked: string, found: string): boolean {
  return asked === '*' || asked === found;
}

/** All verbs are allowed where all that change something are. */
function allows(verbs: readonly string[], verb: string): boolean {
  return verb === '*' ? verbs.includes('deletecollection') : verbs.includes(verb);
}

function named(resource: string, group: string): string {
  return group === '' || group === '*' ? resource : `${resource}.${group}`;
}

function judgePath(verb: string, path: string): Verdict {
  const isKnown = READABLE.some((known) =>
    known.endsWith('*') ? path.startsWith(known.slice(0, -1)) : path === known,
  );
  if ((verb === 'get' && isKnown) || (verb === 'post' && path === PLAN_PATH)) {
    return { allowed: true, reason: 'whoever may use this server may do so' };
  }
  return { allowed: false, reason: `this server does not answer ${verb} ${path}` };
}
