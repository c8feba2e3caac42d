import { type ObjectReader, ProgramError } from './object-reader.ts';
import type { SignedCommit } from './signed-commit.ts';

/** What git takes for the tree of no files. */
const NO_FILES = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
/** As many at once as keeps one process short. */
const BATCH = 250;
const COMPLETE = ['--no-renames', '--ignore-submodules=none', '--no-ext-diff', '--no-textconv'];

/**
 * The paths each commit itself changes: added, changed, deleted, or made another sort of file. A rename changes both.
 *
 * A merge answers for a path unless it takes it from one parent as it stands there, while no parent that has it otherwise has
 * changed it since the two forked. So it answers for what it makes up, for what it joins from two sides, and for a change that it
 * drops by taking the older side.
 *
 * @returns one set for each commit
 */
export async function readChangedPaths(
  reader: ObjectReader,
  commits: readonly SignedCommit[],
): Promise<readonly ReadonlySet<string>[]> {
  const changed: ReadonlySet<string>[] = [];
  for (let start = 0; start < commits.length; start += BATCH) {
    const batch = commits.slice(start, start + BATCH);
    const pairs = batch.flatMap(({ commit, parents }) =>
      (parents.length === 0 ? [undefined] : parents).map((parent): Pair => [parent, commit]),
    );
    const differences = [...(await compare(reader, pairs))];
    for (const { parents } of batch) {
      const own = differences.splice(0, Math.max(1, parents.length));
      const [first] = own;
      if (own.length === 1 && first) changed.push(first);
      else changed.push(await mergedPaths(reader, parents, own));
    }
  }
  return changed;
}

type Paths = ReadonlySet<string>;
/** Undefined stands for no files at all. */
type Pair = readonly [before: string | undefined, after: string];

/** @param differences of the merge to each of its parents */
async function mergedPaths(
  reader: ObjectReader,
  parents: readonly string[],
  differences: readonly Paths[],
): Promise<Paths> {
  const all = new Set(differences.flatMap((difference) => [...difference]));
  if (all.size === 0) return all;
  const sides = await readSides(reader, parents);
  const isTakenFrom = (path: string, from: number) =>
    !differences[from]?.has(path) &&
    differences.every(
      (difference, other) => !difference.has(path) || sides(from, other)?.has(path) === false,
    );
  return new Set([...all].filter((path) => !parents.some((_parent, from) => isTakenFrom(path, from))));
}

/** What has changed on the side of a parent since another one and it forked, wherever that was. */
async function readSides(reader: ObjectReader, parents: readonly string[]) {
  const sides = new Map<string, Paths>();
  for (const [from, one] of parents.entries()) {
    for (const [other, another] of parents.entries()) {
      if (other <= from) continue;
      const forks = await forksOf(reader, one, another);
      const since = async (parent: string) => {
        const compared = await compare(
          reader,
          forks.map((fork) => [fork, parent] as const),
        );
        return new Set(compared.flatMap((difference) => [...difference]));
      };
      sides.set(`${from} ${other}`, await since(another));
      sides.set(`${other} ${from}`, await since(one));
    }
  }
  return (from: number, other: number) => sides.get(`${from} ${other}`);
}

async function forksOf({ git }: ObjectReader, one: string, another: string): Promise<Pair[0][]> {
  try {
    return (await git(['merge-base', '--all', one, another])).split('\n').filter(Boolean);
  } catch (error) {
    if (error instanceof ProgramError && error.code === 1) return [undefined];
    throw error;
  }
}

/** The paths in which each pair differs. */
async function compare(reader: ObjectReader, pairs: readonly Pair[]): Promise<readonly Paths[]> {
  if (pairs.length === 0) return [];
  const commits = [...new Set(pairs.flat().filter((commit) => commit !== undefined))];
  const asked = commits.map((commit) => `${commit}^{tree}\n`).join('');
  const trees = (await reader.git(['cat-file', '--batch-check=%(objectname)'], asked)).split('\n');
  const treeOf = new Map(commits.map((commit, index) => [commit, trees[index] ?? '']));
  const lines = pairs.map(
    ([before, after]) => `${before === undefined ? NO_FILES : treeOf.get(before)} ${treeOf.get(after)}\n`,
  );
  // Raw entries begin with a colon and end with a path up to a NUL: no path can pass for anything else.
  const output = await reader.git(['diff-tree', '--stdin', '-r', '-z', ...COMPLETE], lines.join(''));
  const found = parseDifferences(output, lines);
  if (found.length !== pairs.length) throw new Error('git did not compare every pair of trees');
  return found;
}

function parseDifferences(output: string, lines: readonly string[]): readonly Paths[] {
  const found: Set<string>[] = [];
  let at = 0;
  while (at < output.length) {
    if (output[at] !== ':') {
      const line = lines[found.length] ?? '\0';
      if (!output.startsWith(line, at)) break;
      at += line.length;
      found.push(new Set());
      continue;
    }
    const path = output.indexOf('\0', at) + 1;
    const end = output.indexOf('\0', path);
    if (path === 0 || end < 0) break;
    found.at(-1)?.add(output.slice(path, end));
    at = end + 1;
  }
  if (at < output.length) throw new Error('git said something else than how two trees differ');
  return found;
}
