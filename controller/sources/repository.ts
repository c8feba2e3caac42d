import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../machinery/clock.ts';
import { FetchError, fetchError, isFetchDamage, isReadDamage, isTold } from './fetch-error.ts';
import { sizeOf } from './folder-size.ts';
import { gitEnvironment } from './git-environment.ts';
import { GitError, type GitProcessOptions, runGit } from './git-process.ts';
import type { GitSpec } from './git-spec.ts';
import { foldersAbove } from './places.ts';
import { missingRefText, parseRefs, type Resolved, refNames, resolveRef } from './ref.ts';
import { RefusedError } from './refused-error.ts';
import { type TreeEntry, TreeListing } from './tree-listing.ts';

export { FetchError } from './fetch-error.ts';
export type { TreeEntry } from './tree-listing.ts';

export interface RepositoryOptions {
  readonly spec: GitSpec;
  /** Of the bare repository that caches the source; made when missing, and anew when damaged. */
  readonly dir: string;
  /** The user's environment: only what git needs to find its way and its keys is passed on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** How much faster than life the clock runs: git does not keep pace with it. */
  readonly speed?: number | undefined;
  /** Takes no object that is not as git would make it: a damaged tree can show other files to each who reads it. */
  readonly isStrict?: boolean;
  readonly limits?: Partial<FetchLimits> | undefined;
}

export interface FetchLimits {
  /** Git is ended when nothing has been heard of it, and nothing has arrived, for so long. */
  readonly silenceMs: number;
  /** One fetch may take so long, however much still arrives. */
  readonly totalMs: number;
  /** Of all that is kept of the repository. */
  readonly bytes: number;
}

export interface Touch {
  readonly commit: string;
  /** `Name <email>` */
  readonly author: string;
  readonly committedMs: number;
}

/** Reads a remote repository through its object database: nothing is ever checked out, no hook ever runs. */
export interface Repository {
  /**
   * @param followed full name of the ref that was followed before
   * @returns the commit that the ref names now. @throws FetchError
   */
  fetch(followed?: string): Promise<string>;
  /** What the ref stood for at the last fetch. */
  resolved(): Resolved | undefined;
  /** Manifests, links and submodules under the source's path; where that is not there, what is no folder on the way to it. */
  tree(commit: string): Promise<readonly TreeEntry[]>;
  /** Whatever is no folder at these very paths. */
  at(commit: string, paths: readonly string[]): Promise<readonly TreeEntry[]>;
  read(blob: string): Promise<string>;
  /** The last commit up to `commit` that touched the file. */
  lastTouch(commit: string, path: string): Promise<Touch>;
  /** False also when `older` is not known any more. */
  isAncestor(older: string, newer: string): Promise<boolean>;
  /** Told why something of the cache could not be read by others: where it is damaged, the next fetch makes it anew. */
  suspect?(error: unknown): void;
  /** Ends what git is doing, and whatever it would do before the next fetch, which throws a StoppedError. */
  stop?(): void;
}

const HEAD = 'refs/bastion/head';
const LIMITS: FetchLimits = { silenceMs: 60_000, totalMs: 15 * 60_000, bytes: 1024 ** 3 };
/** What git looks up in what it has; in a long history that takes a while, in silence. */
const READ_MS = 5 * 60_000;
/** One line about one commit. */
const MAX_TOUCH_BYTES = 64 * 1024;
const MAX_AUTHOR_CHARACTERS = 200;
/** The commit in force, and the one that may come to be. */
const MAX_TREES = 2;
/** What git says of a commit that it has never seen, or not any more; and of a name that cannot be one here. */
const UNKNOWN = /^fatal: (bad object|ambiguous argument)/;
/** As many paths as fit into the arguments of one program. */
const MAX_ASKED = 100;

export function openRepository(options: RepositoryOptions): Repository {
  const { spec, dir, env, clock, speed = 1, isStrict = false } = options;
  const environment = gitEnvironment(spec, env, isStrict);
  const limits = { ...LIMITS, ...options.limits };
  const trees = new Map<string, Promise<readonly TreeEntry[]>>();
  let stopping = new AbortController();
  let isOpen = false;
  /** Something of the cache could not be read. Fetching what is new would never mend that. */
  let isDamaged = false;

  function start(args: readonly string[], more: Partial<GitProcessOptions> = {}): Promise<string> {
    const common = { args, dir, env: environment, clock, speed, signal: stopping.signal };
    return runGit({ ...common, totalMs: READ_MS, ...more });
  }

  async function open(): Promise<void> {
    if (isOpen) return;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await start(['init', '--bare', '--quiet']);
    isOpen = true;
  }

  async function run(command: readonly string[], more: Partial<GitProcessOptions> = {}): Promise<string> {
    await open();
    return start(command, more);
  }

  async function remake(): Promise<void> {
    isOpen = false;
    await rm(dir, { recursive: true, force: true });
    isDamaged = false;
  }

  /** What a fetch that was ended has left is part of nothing, and would count. */
  async function removeRemains(): Promise<void> {
    const packs = join(dir, 'objects', 'pack');
    const names = await readdir(packs).catch(() => []);
    const remains = names.filter((name) => name.startsWith('tmp_'));
    await Promise.all(remains.map((name) => rm(join(packs, name), { force: true })));
  }

  async function checkedSize(): Promise<number> {
    const size = await sizeOf(join(dir, 'objects'));
    if (size <= limits.bytes) return size;
    const advice = 'Keep the manifests in a repository of their own.';
    throw new RefusedError(
      `More than ${limits.bytes} bytes would be kept of the repository, which is what is allowed. ${advice}`,
    );
  }

  let resolved: Resolved | undefined;

  /** A short name is git's to interpret, which takes a tag before a branch: only full names are ever fetched. */
  async function resolve(followed: string | undefined): Promise<Resolved> {
    const existing = parseRefs(
      await run(['ls-remote', '--quiet', '--', spec.url, ...refNames(spec.ref).names], {
        ...{ silenceMs: limits.silenceMs, totalMs: limits.totalMs },
      }),
    );
    const found = resolveRef(spec.ref, existing, followed);
    if (found === undefined) throw new FetchError(missingRefText(spec.ref, existing, followed), true);
    resolved = found;
    return found;
  }

  async function fetchOnce(followed: string | undefined): Promise<string> {
    if (isDamaged) await remake();
    await open();
    const { ref, object } = await resolve(followed);
    if (await hasFetched(object)) return headCommit();
    await removeRemains();
    // Left from earlier, and unreachable by now, perhaps.
    if ((await sizeOf(join(dir, 'objects'))) > limits.bytes) await remake();
    // Not `--quiet`: its progress is how a fetch that takes long is told from one that hangs.
    const options = [
      '--progress',
      '--force',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-recurse-submodules',
    ];
    const { silenceMs, totalMs } = limits;
    await run(['fetch', ...options, '--', spec.url, `+${ref}:${HEAD}`], {
      ...{ silenceMs, totalMs, measure: checkedSize },
    }).catch(async (error: unknown) => {
      await removeRemains();
      throw error;
    });
    // What arrived between two looks.
    await checkedSize();
    return headCommit();
  }

  async function headCommit(): Promise<string> {
    return (await run(['rev-parse', '--verify', `${HEAD}^{commit}`])).trim();
  }

  async function listTree(commit: string): Promise<readonly TreeEntry[]> {
    const scope = spec.path === '' ? [] : ['--', spec.path];
    const listing = new TreeListing();
    try {
      // With the folders: many that hold nothing would otherwise be gone through in silence.
      await look(['ls-tree', '-r', '-t', '-z', '-l', '--full-tree', commit, ...scope], {
        onOutput: (part) => listing.add(part),
      });
    } catch (error) {
      const isHopeless = error instanceof GitError && (error.isLate || error.signal !== undefined);
      if (isHopeless) throw new RefusedError(`Its files cannot be listed: ${error.message}`);
      throw error;
    }
    return listing.entries.length > 0 ? listing.entries : entriesAt(commit, foldersAbove(spec.path));
  }

  /** Anything that is missing or damaged is for the fetch to find out. */
  async function hasFetched(object: string): Promise<boolean> {
    try {
      await run(['cat-file', '-e', `${HEAD}^{tree}`]);
      return (await run(['rev-parse', '--verify', HEAD])).trim() === object;
    } catch {
      return false;
    }
  }

  async function entriesAt(commit: string, paths: readonly string[]): Promise<readonly TreeEntry[]> {
    const listing = new TreeListing(true);
    for (let start = 0; start < paths.length; start += MAX_ASKED) {
      const asked = paths.slice(start, start + MAX_ASKED);
      await look(['ls-tree', '-z', '-l', '--full-tree', commit, '--', ...asked], {
        onOutput: (part) => listing.add(part),
      });
    }
    return listing.entries;
  }

  function suspect(error: unknown): void {
    if (isReadDamage(error)) isDamaged = true;
  }

  /** Reads from what was fetched. */
  async function look(command: readonly string[], more: Partial<GitProcessOptions> = {}): Promise<string> {
    try {
      return await run(command, more);
    } catch (error) {
      suspect(error);
      throw error;
    }
  }

  return {
    suspect,
    resolved: () => resolved,
    async fetch(followed) {
      // Each look begins with one.
      if (stopping.signal.aborted) stopping = new AbortController();
      try {
        return await fetchOnce(followed).catch(async (error: unknown) => {
          if (!isFetchDamage(error)) throw error;
          await remake();
          return fetchOnce(followed);
        });
      } catch (error) {
        if (isTold(error)) throw error;
        throw fetchError(error, spec);
      }
    },
    tree(commit) {
      const known = trees.get(commit) ?? listTree(commit);
      trees.delete(commit);
      trees.set(commit, known);
      known.catch((error: unknown) => {
        // What is too much stays too much, and is not listed again at each look.
        if (!(error instanceof RefusedError)) trees.delete(commit);
      });
      for (const old of [...trees.keys()].slice(0, -MAX_TREES)) trees.delete(old);
      return known;
    },
    at: entriesAt,
    read: (blob) => look(['cat-file', 'blob', blob]),
    async lastTouch(commit, path) {
      const format = '--format=%H%x00%ct%x00%an <%ae>';
      const output = await look(['log', '-1', format, commit, '--', path], { maxBytes: MAX_TOUCH_BYTES });
      const [touched = '', seconds = '', author = ''] = output.trim().split('\0');
      return {
        ...{ commit: touched, author: author.slice(0, MAX_AUTHOR_CHARACTERS) },
        committedMs: Number(seconds) * 1_000,
      };
    },
    async isAncestor(older, newer) {
      if (older === newer) return true;
      const args = ['rev-list', '--max-count=1', older, `^${newer}`];
      const left = await run(args).catch((error: unknown) => {
        if (error instanceof GitError && UNKNOWN.test(error.message)) return undefined;
        suspect(error);
        throw error;
      });
      if (left !== undefined) return left.trim() === '';
      // It may have been lost with a part of the cache: a history with a gap in it says nothing, and fails here.
      await look(['rev-list', '--count', newer]);
      return false;
    },
    stop: () => stopping.abort(),
  };
}
