import type { ObjectName } from '../api/object.ts';
import { failureFor } from './declarations.ts';
import { StoppedError } from './git-process.ts';
import type { Failure } from './judging.ts';
import { foldersAbove, obstacleText } from './places.ts';
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

/** Undefined when the commit is not known any more. */
export async function contentsAt(
  repository: Repository,
  commit: string,
): Promise<ReadonlyMap<string, string> | undefined> {
  const tree = await repository.tree(commit).catch((error: unknown) => {
    if (error instanceof StoppedError) throw error;
    return undefined;
  });
  return tree && new Map(tree.map(({ path, blob }) => [path, blob]));
}
