import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../api/clock.ts';
import { sizeOf } from './folder-size.ts';
import { gitEnvironment } from './git-environment.ts';
import { GitError, type GitProcessOptions, runGit, StoppedError } from './git-process.ts';
import { type GitSpec, redact } from './git-spec.ts';
import { foldersAbove } from './places.ts';
import { parseRefs, type Refs, type Resolved, refNames, resolveRef } from './ref.ts';
import { RefusedError } from './refused-error.ts';
import { type TreeEntry, TreeListing } from './tree-listing.ts';

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
  /** Ends what git is doing, and whatever it would do before the next fetch, which throws a StoppedError. */
  stop?(): void;
}

export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly isRefMissing: boolean;
  constructor(message: string, isRefMissing: boolean) {
    super(message);
    this.isRefMissing = isRefMissing;
  }
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
/** As many paths as fit into the arguments of one program. */
const MAX_ASKED = 100;
/** What a process that was killed, a full disk, or somebody who tidied up, leaves behind. */
const DAMAGED =
  /spawn git ENOENT|not a git repository: |\.lock': File exists|corrupt|is empty|bad object|missing blob|unable to read tree/i;
const REDIRECTED = /requested URL returned error: 30[12378]|unable to update url base from redirection/i;
const TOO_DEEP = /exceeded maximum allowed tree depth/i;

export function openRepository(options: RepositoryOptions): Repository {
  const { spec, dir, env, clock, speed = 1, isStrict = false } = options;
  const environment = gitEnvironment(spec, env, isStrict);
  const limits = { ...LIMITS, ...options.limits };
  const trees = new Map<string, Promise<readonly TreeEntry[]>>();
  let stopping = new AbortController();
  let isOpen = false;

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
      await run(['ls-tree', '-r', '-t', '-z', '-l', '--full-tree', commit, ...scope], {
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
      await run(['ls-tree', '-z', '-l', '--full-tree', commit, '--', ...asked], {
        onOutput: (part) => listing.add(part),
      });
    }
    return listing.entries;
  }

  return {
    resolved: () => resolved,
    async fetch(followed) {
      // Each look begins with one.
      if (stopping.signal.aborted) stopping = new AbortController();
      try {
        return await fetchOnce(followed).catch(async (error: unknown) => {
          if (!DAMAGED.test(String(error))) throw error;
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
    read: (blob) => run(['cat-file', 'blob', blob]),
    async lastTouch(commit, path) {
      const format = '--format=%H%x00%ct%x00%an <%ae>';
      const output = await run(['log', '-1', format, commit, '--', path], { maxBytes: MAX_TOUCH_BYTES });
      const [touched = '', seconds = '', author = ''] = output.trim().split('\0');
      return {
        ...{ commit: touched, author: author.slice(0, MAX_AUTHOR_CHARACTERS) },
        committedMs: Number(seconds) * 1_000,
      };
    },
    async isAncestor(older, newer) {
      if (older === newer) return true;
      try {
        return (await run(['rev-list', '--max-count=1', older, `^${newer}`])).trim() === '';
      } catch (error) {
        if (error instanceof GitError && !error.isLate) return false;
        throw error;
      }
    },
    stop: () => stopping.abort(),
  };
}

function missingRefText(ref: string, existing: Refs, followed: string | undefined): string {
  const others = refNames(ref).names.filter((name) => existing.has(name));
  const [other] = others;
  if (other === undefined) return `couldn't find remote ref ${ref}`;
  return `${followed} is gone, and ${others.join(' and ')} is another thing. Write #${other} in the source to follow that.`;
}

/** What says by itself what is wrong. */
function isTold(error: unknown): error is Error {
  return [StoppedError, RefusedError, FetchError].some((Told) => error instanceof Told);
}

function fetchError(error: unknown, spec: GitSpec): Error {
  const text = oneLine(redact(error instanceof Error ? error.message : String(error), spec));
  if (TOO_DEEP.test(text)) return new RefusedError(`Its folders are nested too deeply: ${text}`);
  const advice = REDIRECTED.test(text)
    ? ' It answers with a redirect, which is not followed: name the address that it leads to.'
    : '';
  return new FetchError(`${text}${advice}`, /couldn't find remote ref|no such remote ref/i.test(text));
}

function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim().replace(/^(fatal|error|remote): /, ''));
  return lines.filter(Boolean).join(' ').slice(0, 500);
}
