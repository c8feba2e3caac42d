import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SignaturePolicy } from '../../controller/sources/signatures.ts';
import { createRemote, type Files } from './remote.ts';

export const hasSshKeygen = (() => {
  try {
    execFileSync('ssh-keygen', ['-Y', 'check-novalidate'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
})();

/** A remote whose commits are signed, and the file of those who may sign. */
export function createSignedRemote() {
  const remote = createRemote();
  const { git } = remote;
  const folder = dirname(remote.dir);
  const allowedSigners = join(folder, 'allowed_signers');
  const keyOf = (name: string) => join(folder, `${name}.key`);
  const makeKey = (name: string) =>
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', keyOf(name)]);
  /** @param lines `NAME [OPTIONS]`; a key is made for each new name */
  const allow = (...lines: readonly string[]) => {
    const entries = lines.map((line) => {
      const [name = '', ...options] = line.split(' ');
      if (!made.has(name)) makeKey(name);
      made.add(name);
      const [type, key] = readFileSync(`${keyOf(name)}.pub`, 'utf8').split(' ');
      return [name, ...options, type, key?.trim()].join(' ');
    });
    writeFileSync(allowedSigners, `${entries.join('\n')}\n`);
  };
  const made = new Set<string>();
  git(['config', 'gpg.format', 'ssh']);
  const signAs = (name: string | undefined) => {
    git(['config', 'commit.gpgSign', String(name !== undefined)]);
    if (name !== undefined) git(['config', 'user.signingKey', keyOf(name)]);
  };
  return {
    ...remote,
    ...{ allow, makeKey, signAs, allowedSigners },
    /** @param name of the key; undefined does not sign */
    commitAs(name: string | undefined, files: Files, date?: string): string {
      signAs(name);
      return remote.commit(files, date);
    },
    /** Of what is checked out with another branch, into whatever tree `change` leaves. */
    mergeAs(
      name: string | undefined,
      branch: string,
      strategy: readonly string[],
      change = () => {},
    ): string {
      signAs(name);
      try {
        git(['merge', '--quiet', '--no-ff', '--no-commit', ...strategy, branch]);
      } catch {
        // It stops at a conflict, and `change` resolves it.
      }
      change();
      git(['add', '--all']);
      git(['commit', '--quiet', '--message', 'merge']);
      return git(['rev-parse', 'HEAD']);
    },
    write(path: string, content: string): void {
      mkdirSync(dirname(join(remote.dir, path)), { recursive: true });
      writeFileSync(join(remote.dir, path), content);
    },
    policy: (trustedCommit: string, paths?: SignaturePolicy['paths']): SignaturePolicy => ({
      ...{ trustedCommit, allowedSigners },
      ...(paths && { paths }),
    }),
  };
}

export type SignedRemote = ReturnType<typeof createSignedRemote>;
