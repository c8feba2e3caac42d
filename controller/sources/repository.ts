import { mkdir, rm } from 'node:fs/promises';
import { type SimpleGit, simpleGit } from 'simple-git';
import { type GitSpec, redact } from './git-spec.ts';
import { foldersAbove } from './places.ts';
import { parseRefs, type Refs, type Resolved, refNames, resolveRef } from './ref.ts';

export interface RepositoryOptions {
  readonly spec: GitSpec;
  /** Of the bare repository that caches the source; made when missing, and anew when damaged. */
  readonly dir: string;
  /** The user's environment: only what git needs to find its way and its keys is passed on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes no object that is not as git would make it: a damaged tree can show other files to each who reads it. */
  readonly isStrict?: boolean;
}

export interface TreeEntry {
  readonly path: string;
  /** Octal, as git writes it: 120000 is a symbolic link, 160000 a submodule. */
  readonly mode: string;
  readonly blob: string;
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
  /** Files under the source's path, and whatever else stands where one of its folders would be. */
  tree(commit: string): Promise<readonly TreeEntry[]>;
  read(blob: string): Promise<string>;
  /** The last commit up to `commit` that touched the file. */
  lastTouch(commit: string, path: string): Promise<Touch>;
  /** False also when `older` is not known any more. */
  isAncestor(older: string, newer: string): Promise<boolean>;
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
/** Git is stopped when it has been silent for so long. */
const SILENCE_MS = 60_000;
const PASSED_ON = [
  ...['PATH', 'HOME', 'USER', 'TMPDIR', 'XDG_CONFIG_HOME', 'SSH_AUTH_SOCK', 'GIT_CONFIG_GLOBAL'],
  ...[
    'HTTPS_PROXY',
    'https_proxy',
    'NO_PROXY',
    'no_proxy',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'GIT_SSL_CAINFO',
  ],
];
/** What a process that was killed, a full disk, or somebody who tidied up, leaves behind. */
const DAMAGED =
  /spawn git ENOENT|not a git repository: |\.lock': File exists|corrupt|is empty|bad object|missing blob|unable to read tree/i;

export function openRepository({ spec, dir, env, isStrict = false }: RepositoryOptions): Repository {
  const environment = gitEnvironment(spec, env, isStrict);
  let git: SimpleGit | undefined;

  async function open(): Promise<SimpleGit> {
    if (git) return git;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const opened = simpleGit({
      baseDir: dir,
      allowEnvironment: Object.keys(environment),
      timeout: { block: SILENCE_MS },
      // Every value behind these is written in this file.
      unsafe: {
        allowUnsafeConfigEnvCount: true,
        allowUnsafeConfigPaths: true,
        allowUnsafeHooksPath: true,
        allowUnsafeSshCommand: true,
      },
    }).env(environment);
    await opened.raw(['init', '--bare', '--quiet']);
    git = opened;
    return opened;
  }

  async function run(...command: string[]): Promise<string> {
    return (await open()).raw(command);
  }

  let resolved: Resolved | undefined;

  /** A short name is git's to interpret, which takes a tag before a branch: only full names are ever fetched. */
  async function resolve(followed: string | undefined): Promise<Resolved> {
    const existing = parseRefs(
      await run('ls-remote', '--quiet', '--', spec.url, ...refNames(spec.ref).names),
    );
    const found = resolveRef(spec.ref, existing, followed);
    if (found === undefined) throw new FetchError(missingRefText(spec.ref, existing, followed), true);
    resolved = found;
    return found;
  }

  async function fetchOnce(followed: string | undefined): Promise<string> {
    const { ref, object } = await resolve(followed);
    if (await hasFetched(object)) return headCommit();
    const options = ['--quiet', '--force', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
    await run('fetch', ...options, '--', spec.url, `+${ref}:${HEAD}`);
    return headCommit();
  }

  async function headCommit(): Promise<string> {
    return (await run('rev-parse', '--verify', `${HEAD}^{commit}`)).trim();
  }

  /** Anything that is missing or damaged is for the fetch to find out. */
  async function hasFetched(object: string): Promise<boolean> {
    try {
      await run('cat-file', '-e', `${HEAD}^{tree}`);
      return (await run('rev-parse', '--verify', HEAD)).trim() === object;
    } catch {
      return false;
    }
  }

  /** Where the source's path is not there: what is no folder on the way to it. */
  async function entriesAbove(commit: string): Promise<readonly TreeEntry[]> {
    const folders = foldersAbove(spec.path);
    if (folders.length === 0) return [];
    const listing = await run('ls-tree', '-z', '-l', '--full-tree', commit, '--', ...folders);
    return parseTree(listing).filter(({ mode }) => mode !== '040000');
  }

  return {
    resolved: () => resolved,
    async fetch(followed) {
      try {
        return await fetchOnce(followed).catch(async (error: unknown) => {
          if (!DAMAGED.test(String(error))) throw error;
          git = undefined;
          await rm(dir, { recursive: true, force: true });
          return fetchOnce(followed);
        });
      } catch (error) {
        if (error instanceof FetchError) throw error;
        const text = redact(error instanceof Error ? error.message : String(error), spec);
        throw new FetchError(oneLine(text), /couldn't find remote ref|no such remote ref/i.test(text));
      }
    },
    async tree(commit) {
      const scope = spec.path === '' ? [] : ['--', spec.path];
      const files = parseTree(await run('ls-tree', '-r', '-z', '-l', '--full-tree', commit, ...scope));
      return files.length > 0 ? files : entriesAbove(commit);
    },
    read: (blob) => run('cat-file', 'blob', blob),
    async lastTouch(commit, path) {
      const format = '--format=%H%x00%an <%ae>%x00%ct';
      const [touched = '', author = '', seconds = ''] = (await run('log', '-1', format, commit, '--', path))
        .trim()
        .split('\0');
      return { commit: touched, author, committedMs: Number(seconds) * 1_000 };
    },
    async isAncestor(older, newer) {
      if (older === newer) return true;
      try {
        return (await run('rev-list', '--max-count=1', older, `^${newer}`)).trim() === '';
      } catch {
        return false;
      }
    },
  };
}

function missingRefText(ref: string, existing: Refs, followed: string | undefined): string {
  const others = refNames(ref).names.filter((name) => existing.has(name));
  const [other] = others;
  if (other === undefined) return `couldn't find remote ref ${ref}`;
  return `${followed} is gone, and ${others.join(' and ')} is another thing. Write #${other} in the source to follow that.`;
}

function gitEnvironment(
  spec: GitSpec,
  env: RepositoryOptions['env'],
  isStrict: boolean,
): Record<string, string> {
  const passed = PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  const config = [
    ['core.hooksPath', '/dev/null'],
    ['gc.autoDetach', 'false'],
    ...(isStrict ? [['fetch.fsckObjects', 'true']] : []),
    ...(spec.credentials ? [[`http.${spec.url}.extraHeader`, authorization(spec.credentials)]] : []),
  ];
  return {
    ...Object.fromEntries(passed),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'file:https:ssh',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    // By the environment and not by `-c`, since command lines can be read by every user of the machine.
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key = '', value = ''], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

function authorization({ user, password }: NonNullable<GitSpec['credentials']>): string {
  return `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function parseTree(listing: string): readonly TreeEntry[] {
  return listing.split('\0').flatMap((line) => {
    const tab = line.indexOf('\t');
    if (tab < 0) return [];
    const [mode = '', , blob = '', bytes = ''] = line.slice(0, tab).split(/\s+/);
    return [{ path: line.slice(tab + 1), mode, blob, bytes: Number(bytes) || 0 }];
  });
}

function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim().replace(/^(fatal|error|remote): /, ''));
  return lines.filter(Boolean).join(' ').slice(0, 500);
}
