import { isDeepStrictEqual } from 'node:util';
import { ANNOTATION, type Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { ApiError } from '../machinery/api-error.ts';
import { rfc3339 } from '../machinery/clock.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { closedWord, isSuspendedByHand, removedText, reopenedText, suspendedText } from './closings.ts';
import { type ComposeOptions, compose } from './compose.ts';
import type { Declarations, Problem } from './declared.ts';
import type { Declaration, Failure } from './judging.ts';
import { NO_MEMORY, type Removed, type SourceMemory } from './memory.ts';

export interface ApplyOptions extends ComposeOptions {
  readonly api: ApiClient;
  readonly declarations: Declarations;
  /** Why nobody can tell what a file says that was there. */
  readonly failureAt: (name: ObjectName, path: string | undefined) => Failure | undefined;
  /** Why this Bastion, which no file declares any more, is kept all the same. */
  readonly keep: (bastion: Bastion) => Kept | undefined;
  readonly memory: SourceMemory | undefined;
  /** Whether a rival source, whose Bastion this was, has not deleted it itself. */
  readonly isClosedElsewhere: (name: ObjectName, rival: string) => Promise<boolean>;
}

export interface Kept {
  readonly reason: string;
  /** It may have moved where nothing can be read, and says so itself. */
  readonly isDoubt: boolean;
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
  /** What a person should hear once. */
  readonly notes: readonly string[];
  /** There still, and declared no more. */
  readonly undeclared: readonly ObjectName[];
  /** By what each Bastion was made that is the source's. */
  readonly known: SourceMemory['known'];
  /** Declared, and deleted by hand. */
  readonly removed: SourceMemory['removed'];
  readonly rivals: SourceMemory['rivals'];
}

type Outcome = 'created' | 'updated' | 'deleted' | 'unchanged' | 'kept' | 'away';

interface Desk extends ApplyOptions {
  readonly memory: SourceMemory;
  readonly problems: Problem[];
  readonly notes: string[];
  readonly known: Record<ObjectName, string>;
  readonly removed: Record<ObjectName, Removed>;
  readonly rivals: Record<ObjectName, string>;
}

/** Brings the stored Bastions of one source to what its files declare. One that fails holds up no other. */
export async function applyDeclarations(options: ApplyOptions): Promise<Applied> {
  const { api, source, declarations, failureAt } = options;
  const { declared } = declarations;
  const { items } = await api.bastions.list();
  const stored = new Map(items.map((bastion) => [objectName(bastion), bastion]));
  const memory = options.memory ?? firstMemory(options, stored);
  const desk: Desk = { ...options, memory, problems: [], notes: [], known: {}, removed: {}, rivals: {} };
  const { problems, known } = desk;
  const outcomes: (readonly [Outcome, ObjectName])[] = [];
  const failed: ObjectName[] = [];
  const undeclared: ObjectName[] = [];

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
      carry(desk, name);
      return false;
    }
  }

  for (const declaration of declared.values()) {
    const { name, path } = declaration;
    await attempt(name, path, () => applyOne(desk, declaration, stored.get(name)));
  }
  for (const [name, bastion] of stored) {
    if (declared.has(name) || ownerOf(bastion) !== source || bastion.metadata.deletionTimestamp !== undefined)
      continue;
    const failure = failureAt(name, bastion.metadata.annotations?.[ANNOTATION.sourcePath]);
    const reason = failure ? undefined : (awaitsTakeover(bastion) ?? options.keep(bastion));
    if (reason !== undefined) problems.push({ message: `Bastion ${name} is kept: ${reason.reason}` });
    const isDone = await attempt(name, failure?.path, async () => {
      const digest = memory.known[name];
      if ((failure || reason) && digest !== undefined) known[name] = digest;
      if (failure) return annotate(api, bastion, sourceError(`${failure.path}: ${failure.message}`));
      if (reason?.isDoubt) await annotate(api, bastion, sourceError(reason.reason));
      return reason === undefined ? remove(api, bastion) : 'kept';
    });
    if (!isDone && !failure) failed.push(name);
    if (!isDone || failure || reason) undeclared.push(name);
  }
  const namesOf = (outcome: Outcome) => outcomes.filter(([is]) => is === outcome).map(([, name]) => name);
  const { notes, removed, rivals } = desk;
  return {
    ...{ created: namesOf('created'), updated: namesOf('updated'), deleted: namesOf('deleted') },
    ...{ unchanged: namesOf('unchanged'), kept: namesOf('kept'), failed, problems },
    ...{ notes, undeclared, known, removed, rivals },
  };
}

/** Of a source that has remembered nothing yet: its Bastions were made by what their files say now, unless those have changed. */
function firstMemory(
  { source, declarations, isOld }: ApplyOptions,
  stored: ReadonlyMap<ObjectName, Bastion>,
): SourceMemory {
  const own = [...declarations.declared.values()].filter((declaration) => {
    const bastion = stored.get(declaration.name);
    return bastion && ownerOf(bastion) === source && isOld(declaration);
  });
  return { ...NO_MEMORY, known: Object.fromEntries(own.map(({ name, digest }) => [name, digest])) };
}

/** What was known stays known while nothing could be done about it. */
function carry({ memory, known, removed }: Desk, name: ObjectName): void {
  const [digest, removal] = [memory.known[name], memory.removed[name]];
  if (digest !== undefined) known[name] ??= digest;
  if (removal !== undefined) removed[name] ??= removal;
}

function ownerOf(bastion: Bastion): string | undefined {
  return bastion.metadata.annotations?.[ANNOTATION.source];
}

function handOver({ metadata: { namespace, name } }: Bastion, source: string): string {
  return `Rename one of them, or hand it over: bastionctl release ${name} -n ${namespace} --to ${source}`;
}

/** One that was handed over and that the source has never declared, so that nobody has taken it out there. */
function awaitsTakeover({ metadata: { annotations = {} } }: Bastion): Kept | undefined {
  if (annotations[ANNOTATION.sourceCommit] !== undefined) return undefined;
  const reason =
    'it was handed over to this source, which has not declared it yet. Commit its manifest there.';
  return { reason, isDoubt: false };
}

async function applyOne(desk: Desk, declaration: Declaration, stored: Bastion | undefined): Promise<Outcome> {
  const { source, memory, known, rivals } = desk;
  const { name, digest } = declaration;
  if (!stored) return createOne(desk, declaration);
  const owner = ownerOf(stored);
  if (owner !== source) {
    rivals[name] = owner ?? '';
    const whose = owner ?? 'somebody who applied it directly';
    throw new ApiError('Conflict', `belongs to ${whose} and is left alone. ${handOver(stored, source)}`);
  }
  const { deletionTimestamp } = stored.metadata;
  if (deletionTimestamp !== undefined) {
    const before = memory.removed[name]?.digest ?? memory.known[name];
    const said = closedWord(declaration, before, deletionTimestamp);
    if (said !== undefined) return stayAway(desk, declaration, said, deletionTimestamp);
    throw new ApiError('Conflict', 'is being deleted; it is made again afterwards unless its file goes too.');
  }
  const isByHand = isSuspendedByHand(stored, declaration, {
    ...{ known: memory.known[name], isOld: desk.isOld(declaration) },
  });
  const outcome = await updateOne(desk, declaration, stored, isByHand);
  known[name] = digest;
  if (isByHand)
    desk.problems.push({ path: declaration.path, message: `Bastion ${name} ${suspendedText(stored)}` });
  else if (stored.spec.suspend && declaration.manifest.spec.suspend !== true)
    desk.notes.push(reopenedText(stored, declaration));
  return outcome;
}

async function createOne(desk: Desk, declaration: Declaration): Promise<Outcome> {
  const { api, memory, known } = desk;
  const { name, path, digest } = declaration;
  const removal = memory.removed[name];
  const before = removal?.digest ?? memory.known[name];
  const said = closedWord(declaration, before, removal?.at);
  if (said !== undefined) return stayAway(desk, declaration, said);
  const rival = memory.rivals[name];
  if (before === undefined && rival !== undefined && (await desk.isClosedElsewhere(name, rival)))
    return stayAway(desk, declaration, digest);
  await api.bastions.create(compose(desk, declaration, undefined));
  known[name] = digest;
  if (removal)
    desk.notes.push(`Bastion ${name}, deleted by hand, is made again: what ${path} says of it has changed`);
  return 'created';
}

/** Somebody has deleted it by hand, and no file has said anything new since: `digest` is of what is said now. */
function stayAway(desk: Desk, { name, path }: Declaration, digest: string, markedAt?: string): Outcome {
  const { [name]: removal } = desk.memory.removed;
  const at = removal?.at ?? markedAt ?? rfc3339(desk.nowMs);
  desk.removed[name] = { digest, at, path };
  desk.problems.push({ path, message: `Bastion ${name} ${removedText(name, at, desk.source)}` });
  return 'away';
}

async function updateOne(
  desk: Desk,
  declaration: Declaration,
  stored: Bastion,
  isByHand: boolean,
): Promise<Outcome> {
  const { api } = desk;
  const manifest = compose(desk, declaration, stored, isByHand);
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
    await annotate(api, stored, sourceError(`${declaration.path}: ${error.message}`));
    throw error;
  }
}

function sourceError(text: string): Record<string, string> {
  return { [ANNOTATION.sourceError]: text };
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
