import { isDeepStrictEqual } from 'node:util';
import { ANNOTATION, type Bastion } from '../api/bastion.ts';
import { type ApiClient, ApiError, type Manifest } from '../api/client.ts';
import { rfc3339 } from '../api/clock.ts';
import { type ObjectName, objectName } from '../api/object.ts';
import { type Declaration, type Declarations, failureOf, type Problem } from './declarations.ts';

export interface ApplyOptions {
  readonly api: ApiClient;
  /** The source as Bastions name their owner. */
  readonly source: string;
  readonly nowMs: number;
  readonly declarations: Declarations;
  /** Whether the file had this very content in the commit that was in force before, or nothing ever was in force. */
  readonly isOld: (declaration: Declaration) => boolean;
  /** Why this Bastion, which no file declares any more, is kept all the same. */
  readonly keep: (bastion: Bastion) => string | undefined;
}

export interface Applied {
  readonly created: readonly ObjectName[];
  readonly updated: readonly ObjectName[];
  readonly deleted: readonly ObjectName[];
  readonly unchanged: readonly ObjectName[];
  readonly kept: readonly ObjectName[];
  /** Declared no more, and there still: their deletion failed, and is tried again. */
  readonly failed: readonly ObjectName[];
  readonly problems: readonly Problem[];
}

type Outcome = 'created' | 'updated' | 'deleted' | 'unchanged' | 'kept';

/** Brings the stored Bastions of one source to what its files declare. One that fails holds up no other. */
export async function applyDeclarations(options: ApplyOptions): Promise<Applied> {
  const { api, source, declarations } = options;
  const { declared, failures } = declarations;
  const { items } = await api.bastions.list();
  const stored = new Map(items.map((bastion) => [objectName(bastion), bastion]));
  const outcomes: (readonly [Outcome, ObjectName])[] = [];
  const problems: Problem[] = [];
  const failed: ObjectName[] = [];

  async function attempt(
    name: ObjectName,
    path: string | undefined,
    act: () => Promise<Outcome>,
  ): Promise<boolean> {
    try {
      outcomes.push([await act(), name]);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason === 'Unavailable') throw error;
      problems.push({ ...(path !== undefined && { path }), message: `Bastion ${name}: ${error.message}` });
      return false;
    }
  }

  for (const declaration of declared.values()) {
    const { name, path } = declaration;
    await attempt(name, path, () => applyOne(options, declaration, stored.get(name)));
  }
  for (const [name, bastion] of stored) {
    if (declared.has(name) || ownerOf(bastion) !== source || bastion.metadata.deletionTimestamp !== undefined)
      continue;
    const failure = failureOf(bastion, failures);
    const reason = failure ? undefined : (awaitsTakeover(bastion) ?? options.keep(bastion));
    if (reason !== undefined) problems.push({ message: `Bastion ${name} is kept: ${reason}` });
    const isDone = await attempt(name, failure?.path, () => {
      if (failure)
        return annotate(api, bastion, { [ANNOTATION.sourceError]: `${failure.path}: ${failure.message}` });
      return reason === undefined ? remove(api, bastion) : Promise.resolve<Outcome>('kept');
    });
    if (!isDone && !failure) failed.push(name);
  }
  const namesOf = (outcome: Outcome) => outcomes.filter(([is]) => is === outcome).map(([, name]) => name);
  return {
    ...{ created: namesOf('created'), updated: namesOf('updated'), deleted: namesOf('deleted') },
    ...{ unchanged: namesOf('unchanged'), kept: namesOf('kept'), failed, problems },
  };
}

function ownerOf(bastion: Bastion): string | undefined {
  return bastion.metadata.annotations?.[ANNOTATION.source];
}

function handOver({ metadata: { namespace, name } }: Bastion, source: string): string {
  return `Rename one of them, or hand it over: bastionctl release ${name} -n ${namespace} --to ${source}`;
}

/** One that was handed over and that the source has never declared, so that nobody has taken it out there. */
function awaitsTakeover({ metadata: { annotations = {} } }: Bastion): string | undefined {
  if (annotations[ANNOTATION.sourceCommit] !== undefined) return undefined;
  return 'it was handed over to this source, which has not declared it yet. Commit its manifest there.';
}

async function applyOne(
  options: ApplyOptions,
  declaration: Declaration,
  stored: Bastion | undefined,
): Promise<Outcome> {
  const { api, source } = options;
  const manifest = compose(options, declaration, stored);
  if (!stored) {
    await api.bastions.create(manifest);
    return 'created';
  }
  if (ownerOf(stored) !== source) {
    const owner = ownerOf(stored) ?? 'somebody who applied it directly';
    throw new ApiError('Conflict', `belongs to ${owner} and is left alone. ${handOver(stored, source)}`);
  }
  if (stored.metadata.deletionTimestamp !== undefined) {
    throw new ApiError('Conflict', 'is being deleted; it is made again afterwards unless its file goes too.');
  }
  const isSame =
    isDeepStrictEqual(stored.spec, manifest['spec']) &&
    isDeepStrictEqual(stored.metadata.annotations ?? {}, manifest.metadata.annotations) &&
    isDeepStrictEqual(stored.metadata.labels ?? {}, manifest.metadata.labels ?? {});
  if (isSame) return 'unchanged';
  try {
    await api.bastions.update(manifest);
    return 'updated';
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'Invalid') throw error;
    await annotate(api, stored, { [ANNOTATION.sourceError]: `${declaration.path}: ${error.message}` });
    throw error;
  }
}

/** Ours to write: a manifest that sets them says nothing. */
const RESERVED: readonly string[] = [
  ANNOTATION.source,
  ANNOTATION.sourcePath,
  ANNOTATION.sourceCommit,
  ANNOTATION.sourceAuthor,
  ANNOTATION.sourceError,
  ANNOTATION.activateFrom,
  ANNOTATION.lastApplied,
];

function compose(
  { source, nowMs, isOld }: ApplyOptions,
  declaration: Declaration,
  stored: Bastion | undefined,
): Manifest & { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } } {
  const { manifest, touch, path, name } = declaration;
  const [namespace = '', ownName = ''] = name.split('/');
  const { labels, annotations } = manifest.metadata;
  const { [ANNOTATION.sourceError]: _good, ...before } = stored?.metadata.annotations ?? {};
  // A file that is older than this store counts from its commit: neither losing the store nor deleting the Bastion by hand
  // reopens what has expired. A commit from the future buys no time.
  const isLate = !stored && isOld(declaration);
  const own = {
    ...(isLate && { [ANNOTATION.activateFrom]: rfc3339(Math.min(touch.committedMs, nowMs)) }),
    [ANNOTATION.source]: source,
    [ANNOTATION.sourcePath]: path,
    [ANNOTATION.sourceCommit]: touch.commit,
    [ANNOTATION.sourceAuthor]: touch.author,
  };
  const declaredAnnotations = Object.entries(annotations ?? {}).filter(([key]) => !RESERVED.includes(key));
  const merged = {
    ...before,
    ...Object.fromEntries(declaredAnnotations),
    ...laterRenewal(before, annotations),
    ...own,
  };
  return {
    ...{ apiVersion: manifest.apiVersion, kind: manifest.kind, spec: manifest.spec },
    metadata: {
      ...stored?.metadata,
      ...{ name: ownName, namespace, annotations: merged, labels: labels ?? {} },
    },
  };
}

/** A renewal from the command line stands over an older one that is still in the file. */
function laterRenewal(
  before: Readonly<Record<string, string>>,
  declared: Readonly<Record<string, string>> = {},
) {
  const times = [before[ANNOTATION.renewedAt], declared[ANNOTATION.renewedAt]].filter(
    (time) => time !== undefined,
  );
  const [latest] = times.sort((a, b) => Date.parse(b) - Date.parse(a));
  return latest === undefined ? {} : { [ANNOTATION.renewedAt]: latest };
}

async function annotate(
  api: ApiClient,
  bastion: Bastion,
  annotations: Record<string, string>,
): Promise<Outcome> {
  const { namespace, name, resourceVersion, annotations: before = {} } = bastion.metadata;
  if (Object.entries(annotations).every(([key, value]) => before[key] === value)) return 'unchanged';
  await api.bastions.patch(namespace, name, { metadata: { resourceVersion, annotations } });
  return 'updated';
}

async function remove(api: ApiClient, { metadata }: Bastion): Promise<Outcome> {
  const { namespace, name, resourceVersion } = metadata;
  await api.bastions.delete(namespace, name, { resourceVersion });
  return 'deleted';
}
