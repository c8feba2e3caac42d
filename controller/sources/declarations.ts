import { parseManifests } from '../api/manifest.ts';
import { DEFAULT_NAMESPACE, type ObjectName } from '../machinery/object.ts';
import type { Declarations, Unreadable } from './declared.ts';
import { digestsOf } from './digests.ts';
import { type Admit, type Failure, type Found, judge } from './judging.ts';
import { isBelow, isHidden, leadsElsewhere, obstacleText } from './places.ts';
import type { Repository, Touch, TreeEntry } from './repository.ts';
import { collect, type Rivalry } from './rivals.ts';

/** As much as one text may hold for the parser. */
const MAX_FILE_BYTES = 256 * 1024;
const MAX_FILES = 2_000;
const EMPTY = 'is empty. Delete the file to delete its Bastion.';

export class TooManyFilesError extends Error {
  override readonly name = 'TooManyFilesError';
}

export interface ReadOptions {
  readonly admit: Admit;
  readonly known: Rivalry['known'];
  /** Where a Bastion may have gone that nothing else says anything sound of. */
  readonly doubtsIn: (unreadable: Declarations['unreadable']) => Omit<Rivalry, 'known'>;
}

/** Reads every manifest of a commit. A file's content and history are read once, however often it is asked for. */
export function createReader(repository: Repository, defaultNamespace = DEFAULT_NAMESPACE) {
  let cache = new Map<string, Promise<{ text: string; touch: Touch }>>();
  let lastRead: string | undefined;

  /** @throws TooManyFilesError */
  return async (
    commit: string,
    tree: readonly TreeEntry[],
    { admit, known, doubtsIn }: ReadOptions,
  ): Promise<Declarations> => {
    const files = manifestFiles(tree);
    if (files.length > MAX_FILES) {
      throw new TooManyFilesError(
        `${files.length} manifest files, allowed: ${MAX_FILES}. Narrow the source by a path.`,
      );
    }
    // A file keeps its last commit as long as it keeps its content, but only while history is not rewritten.
    if (lastRead !== undefined && !(await repository.isAncestor(lastRead, commit))) cache = new Map();
    lastRead = commit;
    const seen: typeof cache = new Map();
    const documents: Found[] = [];
    const texts = new Map<string, string>();
    const fail = (file: TreeEntry, message: string, more: Partial<Failure> = {}) =>
      documents.push({ file, failure: { path: file.path, message, ...more } });
    for (const file of files) {
      const refusal = refuse(file);
      if (refusal !== undefined) {
        fail(file, refusal);
        continue;
      }
      const key = `${file.blob} ${file.path}`;
      const content = cache.get(key) ?? readFile(repository, commit, file);
      seen.set(key, content);
      const { text, touch } = await content;
      texts.set(file.path, text);
      if (isGarbled(text, file)) {
        fail(file, 'is not UTF-8 text. Save it as UTF-8.');
        continue;
      }
      // Emptied is not deleted: an editor or a full disk does that, too. Who comments all of it out has meant that.
      if (text.trim() === '') {
        fail(file, EMPTY, { isBlank: true });
        continue;
      }
      const saidBy = digestsOf(text);
      for (const document of parseManifests(text, { source: file.path })) {
        documents.push(...judge(document, file, touch, { admit, defaultNamespace, saidBy }));
      }
    }
    cache = seen;
    const unreadable = unreadableIn(tree, documents, texts);
    return { ...collect(documents, { known, ...doubtsIn(unreadable) }), unreadable };
  };
}

async function readFile(repository: Repository, commit: string, { blob, path }: TreeEntry) {
  const [text, touch] = await Promise.all([repository.read(blob), repository.lastTouch(commit, path)]);
  return { text, touch };
}

function manifestFiles(tree: readonly TreeEntry[]): readonly TreeEntry[] {
  const files = tree.filter(({ path }) => /\.(ya?ml|json)$/i.test(path) && !isHidden(path));
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Whatever is no UTF-8 is replaced as it is read, and has another length then. */
function isGarbled(text: string, { bytes }: TreeEntry): boolean {
  return Buffer.byteLength(text) !== bytes || text.includes('\0');
}

function unreadableIn(
  tree: readonly TreeEntry[],
  documents: readonly Found[],
  texts: ReadonlyMap<string, string>,
): ReadonlyMap<string, Unreadable> {
  const elsewhere = tree
    .filter((entry) => leadsElsewhere(entry) && !isHidden(entry.path))
    .map((entry) => [entry.path, { blob: entry.blob, message: obstacleText(entry) }] as const);
  const unnamed = documents.flatMap((found) => {
    if (!('failure' in found) || found.failure.name !== undefined) return [];
    const { path, message } = found.failure;
    const text = texts.get(path);
    return [[path, { blob: found.file.blob, message, ...(text !== undefined && { text }) }] as const];
  });
  return new Map([...elsewhere, ...unnamed]);
}

function refuse({ mode, bytes }: TreeEntry): string | undefined {
  if (mode === '120000') return 'is a symbolic link, which is not followed. Put the manifest itself there.';
  if (mode === '160000') return 'is a submodule, which is not read. Put the manifest itself there.';
  if (bytes > MAX_FILE_BYTES) return `has ${bytes} bytes, allowed: ${MAX_FILE_BYTES}. Split it.`;
  return undefined;
}

/**
 * Why nobody can tell what the file at `path` says of a Bastion that no sound document declares, if so. A document that is wrong may
 * be wrong in the name, too: so it is about what its file held as well as about what it names.
 */
export function failureFor(
  name: ObjectName,
  path: string | undefined,
  failures: readonly Failure[],
): Failure | undefined {
  return (
    failures.find((failure) => failure.name === name) ??
    failures.find((failure) => failure.path === path) ??
    failures.find(
      (failure) => failure.name === undefined && path !== undefined && isBelow(path, failure.path),
    )
  );
}
