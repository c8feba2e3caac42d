import { ApiError } from '../machinery/api-error.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { Resources } from '../machinery/resources.ts';

type Writes<T extends KubeObject> = Omit<Resources<T>, 'get' | 'list' | 'watch'>;

/** The verbs that change something, of a type that can be looked at only. @param advice what to do instead */
export function refuseWrites<T extends KubeObject = KubeObject>(resource: string, advice: string): Writes<T> {
  const refuse = async () => {
    throw readOnlyError(resource, advice);
  };
  return { create: refuse, update: refuse, patch: refuse, jsonPatch: refuse, apply: refuse, delete: refuse };
}

export function readOnlyError(resource: string, advice: string): ApiError {
  const message = 'the server does not allow this method on the requested resource';
  return new ApiError('MethodNotAllowed', `${message}: ${resource} are read-only here; ${advice}`);
}
