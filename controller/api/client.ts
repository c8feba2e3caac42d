import type { KubeEvent } from '../machinery/event.ts';
import type { Resources, StatusResources } from '../machinery/resources.ts';
import type { Bastion } from './bastion.ts';
import type { GitSource } from './git-source.ts';
import type { Guard } from './guard.ts';

/**
 * The Kubernetes API as its clients see it: the command line, git sources and the controller all speak through this, over
 * HTTP or with the facade in their own process.
 */
export interface ApiClient {
  readonly bastions: StatusResources<Bastion>;
  readonly events: Resources<KubeEvent>;
  readonly guards: StatusResources<Guard>;
  /** To be looked at only. @throws ApiError MethodNotAllowed from whatever would change one */
  readonly gitsources: Resources<GitSource>;
}
