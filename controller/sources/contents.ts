import type { ObjectName } from '../machinery/object.ts';
import { failureFor } from './declarations.ts';
import { isReadDamage } from './fetch-error.ts';
import { StoppedError } from './git-process.ts';
import type { Failure } from './judging.ts';
import { foldersAbove, obstacleText } from './places.ts';
import { RefusedError } from './refused-error.ts';
import type { Repository, TreeEntry } from './repository.ts';

/** Why nobody can tell what a file says: what cannot be read in its place, or in the place of a folder above it. */
export function createFailureFinder(tree: readonly TreeEntry[], failures: readonly Failure[]) {
  const entries = new Map(tree.map((entry) => [entry.path, entry]));
  return (name: ObjectName, path: string | undefined): Failure | undefined => {
    const failure = failureFor(name, path, failures);
    if (failure || path === undefined) return failure;
    const obstacle = foldersAbove(path).flatMap((folder) => entries.get(folder) ?? [])[0];
    return obstacle && { path: obstacle.path, message: obstacleText(obstacle) };
  };
}

/** More missing folders than this are more than anybody looks through, and no accident. */
const MAX_FOLDERS = 10_000;

/**
 * What stands where a folder was that held a known manifest: a checkout that knows no links commits them as files, for one. Nothing
 * but what was there before tells that a path was a folder.
 *
 * @throws RefusedError
 */
export async function findObstacles(
  repository: Repository,
  commit: string,
  tree: readonly TreeEntry[],
  known: Iterable<string | undefined>,
): Promise<readonly TreeEntry[]> {
  const files = new Set(tree.map(({ path }) => path));
  const missing = new Set([...known].flatMap((path) => (!path || files.has(path) ? [] : foldersAbove(path))));
  if (missing.size === 0) return [];
  for (const { path } of tree) for (const folder of foldersAbove(path)) missing.delete(folder);
  if (missing.size > MAX_FOLDERS)
    throw new RefusedError(`${missing.size} folders of manifests are missing at once. Bring them back.`);
  return repository.at(commit, [...missing].sort());
}

/** Undefined when the commit is not known any more. */
export async function contentsAt(
  repository: Repository,
  commit: string,
): Promise<ReadonlyMap<string, string> | undefined> {
  const tree = await repository.tree(commit).catch((error: unknown) => {
    // One that is known and cannot be read is no reason to doubt all that was there.
    if (error instanceof StoppedError || isReadDamage(error)) throw error;
    return undefined;
  });
  return tree && new Map(tree.map(({ path, blob }) => [path, blob]));
}
