import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** What git needs here, and nothing of the machine's own settings. */
export const GIT_ENV = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

export type Files = Readonly<Record<string, string | undefined>>;

export interface Author {
  readonly name: string;
  readonly email: string;
}

const ALICE: Author = { name: 'Alice', email: 'alice@example.com' };

/** A real repository in a temporary folder, as a team would have it. */
export function createRemote() {
  const root = mkdtempSync(join(tmpdir(), 'bastion-git-'));
  const dir = join(root, 'remote');
  const git = (args: readonly string[], date = '2026-11-23T08:00:00Z', author = ALICE) =>
    execFileSync('git', args, {
      cwd: dir,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...GIT_ENV,
        ...{ GIT_AUTHOR_NAME: author.name, GIT_AUTHOR_EMAIL: author.email, GIT_AUTHOR_DATE: date },
        ...{ GIT_COMMITTER_NAME: author.name, GIT_COMMITTER_EMAIL: author.email, GIT_COMMITTER_DATE: date },
      },
    }).trim();
  mkdirSync(dir);
  git(['init', '--quiet', '--initial-branch=main']);
  return {
    ...{ dir, git, cacheDir: join(root, 'cache') },
    /** Writes files (`undefined` deletes one) and commits them. @returns the commit. */
    commit(files: Files, date?: string, author?: Author): string {
      for (const [path, content] of Object.entries(files)) {
        if (content === undefined) rmSync(join(dir, path));
        else {
          mkdirSync(dirname(join(dir, path)), { recursive: true });
          writeFileSync(join(dir, path), content);
        }
      }
      git(['add', '--all']);
      git(['commit', '--quiet', '--allow-empty', '--message', 'change'], date, author);
      return git(['rev-parse', 'HEAD']);
    },
    remove: () => rmSync(root, { recursive: true }),
  };
}

export type Remote = ReturnType<typeof createRemote>;

/** Overwrites some bytes of one object in the packs of a repository, as a bad disk does. */
export function damage(dir: string, object: string): void {
  const folder = join(dir, 'objects', 'pack');
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.pack'))) {
    const file = join(folder, name);
    const listing = execFileSync('git', ['verify-pack', '-v', file], { env: GIT_ENV, encoding: 'utf8' });
    const line = listing.split('\n').find((one) => one.startsWith(object));
    if (line === undefined) continue;
    const offset = Number(line.split(/\s+/)[4]);
    const bytes = readFileSync(file);
    bytes.fill(0xff, offset + 8, offset + 12);
    chmodSync(file, 0o644);
    writeFileSync(file, bytes);
    return;
  }
  throw new Error(`${object} is in no pack of ${dir}`);
}
