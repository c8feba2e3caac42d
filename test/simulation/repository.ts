import { digest } from '../../controller/core/name.ts';
import type { Repository, Touch, TreeEntry } from '../../controller/sources/repository.ts';
import { FetchError } from '../../controller/sources/repository.ts';
import type { Boundary, Caller } from './boundary.ts';

interface Commit {
  readonly id: string;
  readonly parent: string | undefined;
  readonly files: ReadonlyMap<string, string>;
  readonly committedMs: number;
}

/** A repository of manifests: commits without a git program, a network or a disk. */
export class SimulatedGit {
  readonly #now: () => number;
  readonly #commits = new Map<string, Commit>();
  readonly #blobs = new Map<string, string>();
  readonly #removed = new Set<string>();
  #head: string | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  files(): ReadonlyMap<string, string> {
    return this.#commit(this.#head)?.files ?? new Map();
  }

  /** Some commit has taken this file away. */
  hasRemoved(path: string): boolean {
    return this.#removed.has(path);
  }

  /** A commit on top of the newest one; undefined takes the file away. */
  commit(change: Readonly<Record<string, string | undefined>>): void {
    const files = new Map(this.files());
    for (const [path, text] of Object.entries(change)) {
      if (text === undefined) files.delete(path);
      else files.set(path, text);
    }
    this.#push(files, this.#head);
  }

  /** Force-pushes a history that has nothing to do with the one before. */
  rewrite(files: Readonly<Record<string, string>>): void {
    this.#push(new Map(Object.entries(files)), undefined);
  }

  /** Nothing can be fetched any more. */
  goAway(): void {
    this.#head = undefined;
  }

  repositoryFor(boundary: Boundary, caller: Caller): Repository {
    const send = <T>(name: string, input: string, perform: () => T) =>
      boundary.send<T>({
        ...{ caller, target: 'git', name: `git:${name}`, isWrite: false, input, perform },
        failWith: (failure) => {
          throw new FetchError(`git: ${failure}`, false);
        },
      });
    return {
      fetch: () => send('fetch', '', () => this.#fetch()),
      tree: async (commit) => this.#tree(commit),
      read: async (blob) => this.#blobs.get(blob) ?? '',
      lastTouch: async (commit, path) => this.#lastTouch(commit, path),
      isAncestor: async (older, newer) => this.#isAncestor(older, newer),
    };
  }

  #fetch(): string {
    if (this.#head === undefined) throw new FetchError("couldn't find remote ref main", true);
    return this.#head;
  }

  #push(files: ReadonlyMap<string, string>, parent: string | undefined): void {
    for (const path of this.files().keys()) if (!files.has(path)) this.#removed.add(path);
    const id = digest([[...files], parent ?? null, this.#now()], 40);
    for (const text of files.values()) this.#blobs.set(blobOf(text), text);
    this.#commits.set(id, { id, parent, files, committedMs: this.#now() });
    this.#head = id;
  }

  #commit(id: string | undefined): Commit | undefined {
    return id === undefined ? undefined : this.#commits.get(id);
  }

  #tree(commit: string): TreeEntry[] {
    const found = this.#commit(commit);
    if (!found) throw new Error(`bad object ${commit}`);
    return [...found.files].map(([path, text]) => ({
      ...{ path, mode: '100644', blob: blobOf(text), bytes: Buffer.byteLength(text) },
    }));
  }

  #lastTouch(from: string, path: string): Touch {
    let commit = this.#commit(from);
    for (;;) {
      const parent = this.#commit(commit?.parent);
      if (!commit) throw new Error(`bad object ${from}`);
      if (!parent || parent.files.get(path) !== commit.files.get(path)) {
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

function blobOf(text: string): string {
  return digest(text, 40);
}
