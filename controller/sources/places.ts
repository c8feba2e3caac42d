import type { TreeEntry } from './tree-listing.ts';

/** The folders that hold a path, the outermost first: of `a/b/c.yaml` those are `a` and `a/b`. */
export function foldersAbove(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_part, index) => parts.slice(0, index + 1).join('/'));
}

/** Whether `path` would lie below an entry that is no folder. */
export function isBelow(path: string, entry: string): boolean {
  return path.startsWith(`${entry}/`);
}

/** Not read, like anything whose name does not end like a manifest's: to move a file there is to remove it. */
export function isHidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.'));
}

/** A link or a submodule may lead to any number of manifests, whatever it is called. */
export function leadsElsewhere({ mode }: TreeEntry): boolean {
  return mode === '120000' || mode === '160000';
}

/** Why nobody can tell what is below an entry where a folder was. A checkout that knows no links commits them as files. */
export function obstacleText({ mode }: TreeEntry): string {
  if (mode === '120000') return 'is a symbolic link, which is not followed. Put the folder itself there.';
  if (mode === '160000') return 'is a submodule, which is not read. Put the folder itself there.';
  return 'is a file where a folder was. Put the folder back.';
}
