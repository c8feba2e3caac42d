import { digest } from '../../controller/core/name.ts';
import { type Resolved, resolveRef } from '../../controller/sources/ref.ts';
import type { Repository, Touch, TreeEntry } from '../../controller/sources/repository.ts';
import { FetchError } from '../../controller/sources/repository.ts';
import type { Boundary, Caller } from './boundary.ts';

/** A file; or what stands in its place, or in that of a folder, and is not read. */
export type Entry = string | { readonly link: string } | { readonly submodule: string };
export type Change = Readonly<Record<string, Entry | undefined>>;

interface Commit {
  readonly id: string;
  readonly parent: string | undefined;
  readonly files: ReadonlyMap<string, Entry>;
  readonly committedMs: number;
}

/** The source follows it by its short name. */
export const BRANCH = 'main';
const HEAD = `refs/heads/${BRANCH}`;

/** A repository of manifests: commits without a git program, a network or a disk. */
export class SimulatedGit {
  readonly #now: () => number;
  readonly #commits = new Map<string, Commit>();
  readonly #blobs = new Map<string, string>();
  readonly #removed = new Set<string>();
  readonly #doubted = new Set<string>();
  /** Full names, and the commit that each names. */
  readonly #refs = new Map<string, string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  files(): ReadonlyMap<string, Entry> {
    return this.#commit(this.#refs.get(HEAD))?.files ?? new Map();
  }

  /** Some commit has taken this file away. */
  hasRemoved(path: string): boolean {
    return this.#removed.has(path);
  }

  /** Nobody who cannot read what the repository holds now can tell whether this Bastion is declared in it. */
  isDoubted(name: string): boolean {
    return this.#doubted.has(name);
  }

  /** What comes next leaves these, and no others, in doubt. */
  doubt(...names: readonly string[]): void {
    this.#doubted.clear();
    for (const name of names) this.#doubted.add(name);
  }

  /** A commit on top of the newest one; undefined takes the file away, or the folder. */
  commit(change: Change): void {
    const files = new Map(this.files());
    for (const [path, entry] of Object.entries(change)) {
      for (const one of [...files.keys()]) if (one === path || one.startsWith(`${path}/`)) files.delete(one);
      if (entry !== undefined) files.set(path, entry);
    }
    this.#push(files, this.#refs.get(HEAD));
  }

  /** Force-pushes a history that has nothing to do with the one before. */
  rewrite(files: Readonly<Record<string, string>>): void {
    this.#push(new Map(Object.entries(files)), undefined);
  }

  /** Another ref of the same name, and what it names: a history of its own. */
  tagLikeTheBranch(files: Readonly<Record<string, string>>): void {
    const id = this.#add(new Map(Object.entries(files)), undefined);
    this.#refs.set(`refs/tags/${BRANCH}`, id);
  }

  /** Nothing can be fetched any more. */
  goAway(): void {
    this.#refs.delete(HEAD);
  }

  repositoryFor(boundary: Boundary, caller: Caller): Repository {
    const send = <T>(name: string, input: string, perform: () => T) =>
      boundary.send<T>({
        ...{ caller, target: 'git', name: `git:${name}`, isWrite: false, input, perform },
        failWith: (failure) => {
          throw new FetchError(`git: ${failure}`, false);
        },
      });
    let resolved: Resolved | undefined;
    return {
      resolved: () => resolved,
      fetch: (followed) =>
        send('fetch', '', () => {
          resolved = this.#resolve(followed);
          return resolved.object;
        }),
      tree: async (commit) => this.#tree(commit),
      at: async (commit, paths) => this.#tree(commit).filter(({ path }) => paths.includes(path)),
      read: async (blob) => this.#blobs.get(blob) ?? '',
      lastTouch: async (commit, path) => this.#lastTouch(commit, path),
      isAncestor: async (older, newer) => this.#isAncestor(older, newer),
    };
  }

  #resolve(followed: string | undefined): Resolved {
    const found = resolveRef(BRANCH, this.#refs, followed);
    if (!found) throw new FetchError(`couldn't find remote ref ${BRANCH}`, true);
    return found;
  }

  #push(files: ReadonlyMap<string, Entry>, parent: string | undefined): void {
    for (const path of this.files().keys()) if (!files.has(path)) this.#removed.add(path);
    this.#refs.set(HEAD, this.#add(files, parent));
  }

  #add(files: ReadonlyMap<string, Entry>, parent: string | undefined): string {
    const id = digest([[...files], parent ?? null, this.#now()], 40);
    for (const entry of files.values()) if (typeof entry === 'string') this.#blobs.set(blobOf(entry), entry);
    this.#commits.set(id, { id, parent, files, committedMs: this.#now() });
    return id;
  }

  #commit(id: string | undefined): Commit | undefined {
    return id === undefined ? undefined : this.#commits.get(id);
  }

  #tree(commit: string): TreeEntry[] {
    const found = this.#commit(commit);
    if (!found) throw new Error(`bad object ${commit}`);
    return [...found.files].map(([path, entry]) => ({ path, blob: blobOf(entry), ...shapeOf(entry) }));
  }

  #lastTouch(from: string, path: string): Touch {
    let commit = this.#commit(from);
    for (;;) {
      const parent = this.#commit(commit?.parent);
      if (!commit) throw new Error(`bad object ${from}`);
      if (!parent || !isSame(parent.files.get(path), commit.files.get(path))) {
        const author = 'A Person <person@example.com>';
        return { commit: commit.id, author, committedMs: commit.committedMs };
      }
      commit = parent;
    }
  }

  #isAncestor(older: string, newer: string): boolean {
    for (let commit = this.#commit(newer); commit; commit = this.#commit(commit.parent)) {
      if (commit.id === older) return true;
    }
    return false;
  }
}

function shapeOf(entry: Entry): Pick<TreeEntry, 'mode' | 'bytes'> {
  if (typeof entry === 'string') return { mode: '100644', bytes: Buffer.byteLength(entry) };
  return 'link' in entry ? { mode: '120000', bytes: entry.link.length } : { mode: '160000', bytes: 0 };
}

function isSame(one: Entry | undefined, other: Entry | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && blobOf(one) === blobOf(other));
}

function blobOf(entry: Entry): string {
  return digest(entry, 40);
}
