import { isDeepStrictEqual } from 'node:util';
import { ANNOTATION, type Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { ApiError } from '../machinery/api-error.ts';
import { ifFound } from '../machinery/attempt.ts';
import { isRecord } from '../machinery/json.ts';
import type { Manifest } from '../machinery/resources.ts';
import type { GlobalOptions } from './context.ts';
import { CliError } from './failure.ts';
import { lastApplied, threeWayPatch, withLastApplied } from './three-way.ts';
import { sourceWarning, suspendWarning } from './warnings.ts';

export interface Applied {
  readonly bastion: Bastion;
  readonly verb: 'created' | 'configured' | 'unchanged';
  readonly warnings: readonly string[];
}

export interface ApplyOptions extends Pick<GlobalOptions, 'namespace' | 'home'> {
  readonly dryRun: boolean;
}

/** Creates the Bastion or merges the manifest into it, as `kubectl apply` does on the client's side. @throws ApiError, CliError */
export async function applyManifest(
  api: ApiClient,
  manifest: Manifest,
  { dryRun, ...options }: ApplyOptions,
): Promise<Applied> {
  const namespace = namespaceOf(manifest, options);
  const modified = withLastApplied(manifest, namespace);
  const current = await ifFound(() => api.bastions.get(namespace, manifest.metadata.name));
  if (current) return merge(api, current, modified, dryRun);
  try {
    const warnings: string[] = [];
    const onWarning = (message: string) => void warnings.push(`Warning: ${message}`);
    const bastion = await api.bastions.create(modified, { dryRun, onWarning });
    return { bastion, verb: 'created', warnings };
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
    return merge(api, await api.bastions.get(namespace, manifest.metadata.name), modified, dryRun);
  }
}

/** @throws CliError when the command line and the manifest name different ones */
export function namespaceOf(
  { metadata }: Manifest,
  { home, namespace: given }: Pick<GlobalOptions, 'namespace' | 'home'>,
): string {
  const own = metadata.namespace;
  if (own !== undefined && given !== undefined && own !== given) {
    throw new CliError(
      `the namespace from the provided object "${own}" does not match the namespace "${given}"; ` +
        `you must pass '--namespace=${own}' to perform this operation`,
    );
  }
  return own ?? given ?? home;
}

async function merge(
  api: ApiClient,
  current: Bastion,
  modified: Manifest,
  dryRun: boolean,
): Promise<Applied> {
  const { namespace, name, annotations, deletionTimestamp, resourceVersion } = current.metadata;
  const original = lastApplied(annotations);
  const warnings = suspends(current, modified) ? suspendWarning(current) : sourceWarning(current);
  if (!original) {
    warnings.push(
      `Warning: resource bastions/${name} is missing the ${ANNOTATION.lastApplied} annotation: nothing that was ` +
        'set by other means is removed. The annotation is added now.',
    );
  }
  if (deletionTimestamp !== undefined) {
    warnings.push(`Warning: bastions/${name} is currently being deleted; this does not bring it back.`);
  }
  const patch = threeWayPatch(original, modified, current);
  if (Object.keys(patch).length === 0) return { bastion: current, verb: 'unchanged', warnings };
  const onWarning = (message: string) => void warnings.push(`Warning: ${message}`);
  const bastion = await api.bastions.patch(namespace, name, patch, { dryRun, onWarning });
  // A dry run leaves the version as it was, whatever it changed.
  const same = dryRun
    ? isDeepStrictEqual(bastion, current)
    : bastion.metadata.resourceVersion === resourceVersion;
  return { bastion, verb: same ? 'unchanged' : 'configured', warnings };
}

function suspends(current: Bastion, { spec }: Manifest): boolean {
  return isRecord(spec) && spec['suspend'] === true && current.spec.suspend !== true;
}
