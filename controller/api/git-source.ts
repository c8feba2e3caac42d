import type { KubeObject } from '../machinery/object.ts';
import { type API_VERSION, GROUP } from './bastion.ts';
import type { GitSourceSpec, GitSourceStatus } from './generated/git-source.ts';

export type { GitSourceStatus } from './generated/git-source.ts';

export const GIT_SOURCE_KIND = 'GitSource';
export const GIT_SOURCE_RESOURCE = `gitsources.${GROUP}`;

/** A repository that Bastions come from, as the controller has found it. Nobody else writes it. */
export interface GitSource extends KubeObject {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof GIT_SOURCE_KIND;
  readonly spec: GitSourceSpec;
  readonly status?: GitSourceStatus;
}

export type SourceState = GitSourceStatus['state'];

/** A state as a reason of conditions and events: `Unreachable`. */
export function reasonOf(state: SourceState): string {
  return `${state.charAt(0).toUpperCase()}${state.slice(1)}`;
}
