import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Clock, rfc3339 } from '../machinery/clock.ts';
import { oneLine } from '../machinery/text.ts';
import { readChangedPaths } from './changed-paths.ts';
import { isReadDamage } from './fetch-error.ts';
import { createObjectReader, type ObjectReader, ProgramError } from './object-reader.ts';
import { createPathRules, isWithin, type PathRule } from './path-rules.ts';
import { readSignature, readSignedCommits, type SignedCommit } from './signed-commit.ts';

/** Which commits of a git source count: only those signed by somebody who may change what they change. */
export interface SignaturePolicy {
  /** Full id. A person has looked at it and at all before it; every commit since then must be signed. */
  readonly trustedCommit: string;
  /** A file as ssh-keygen reads it (ALLOWED SIGNERS in its manual), outside the repository. Read again whenever it has changed. */
  readonly allowedSigners: string;
  /** Left out: every allowed signer may change everything. */
  readonly paths?: readonly PathRule[];
}

/** A history that does not come into force; the message says which commit, why, and what to do. */
export class UntrustedError extends Error {
  override readonly name = 'UntrustedError';
}

/** What is in force. */
export interface Accepted {
  readonly commit?: string;
  /** The trusted commit that it was verified from. */
  readonly trustedCommit?: string;
}

/** @throws UntrustedError */
export type Verify = (head: string, accepted: Accepted) => Promise<void>;

export interface VerifierOptions {
  readonly policy: SignaturePolicy;
  /** Of the source within the repository: nobody's rights are asked for what is outside it. */
  readonly path: string;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the bare repository. What programs need as a file is put beside it for as long as they run. */
  readonly dir: string;
}

const SIGNERS = 'allowed-signers';
/** A refused history is looked at again when it is still there after this: a key may have become valid. */
const AGAIN_MS = 600_000;
const WHAT_TO_DO =
  'Take it out of the branch, or have it signed by somebody who may; or review it, and make it or a later commit the trustedCommit.';

/** Verifies each commit once, as long as the policy and the file of signers stay the same. */
export function createVerifier({ policy, path, clock, env, ...options }: VerifierOptions): Verify {
  const dir = resolve(options.dir);
  let content: string | undefined;
  let good = new Set<string>();
  let last: { readonly key: string; readonly at: number; readonly refusal?: UntrustedError } | undefined;
  return async (head, accepted) => {
    const signers = await readSigners(policy);
    if (signers !== content) {
      content = signers;
      good = new Set();
      last = undefined;
    }
    const key = [head, accepted.commit, accepted.trustedCommit].join(' ');
    const at = clock.now();
    if (last?.key === key && at - last.at < (last.refusal ? AGAIN_MS : Number.POSITIVE_INFINITY)) {
      if (last.refusal) throw last.refusal;
      return;
    }
    last = undefined;
    try {
      await inFolder(`${dir}-`, signers, async (folder) => {
        const allowedSigners = join(folder, SIGNERS);
        const reader = createObjectReader({ dir, env, tempDir: folder, allowedSigners });
        await verifyHistory({ policy, path, reader, folder, good, at }, head, accepted);
      });
      last = { key, at };
    } catch (error) {
      if (!(error instanceof UntrustedError)) throw new UntrustedError(explain(error), { cause: error });
      last = { key, at, refusal: error };
      throw error;
    }
  };
}

/** With a copy of the signers in it: what is verified against is what was read, and not what the file says a moment later. */
async function inFolder(
  prefix: string,
  signers: string,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(prefix);
  try {
    await writeFile(join(folder, SIGNERS), signers, { mode: 0o600 });
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readSigners({ allowedSigners }: SignaturePolicy): Promise<string> {
  let text: string;
  try {
    text = await readFile(allowedSigners, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UntrustedError(`the file of allowed signers cannot be read: ${why}. Put it there.`);
  }
  // An authority's certificates carry dates of their own, which are not looked at.
  if (/^\s*[^#\s].*\bcert-authority\b/im.test(text))
    throw new UntrustedError(
      `${allowedSigners} names a cert-authority. Write the key of each signer instead.`,
    );
  return text;
}

function explain(error: unknown): string {
  if (error instanceof ProgramError && error.isMissing)
    return 'signatures cannot be verified: git or ssh-keygen is not installed. Install git 2.34 and OpenSSH 8.9, or later.';
  const why = error instanceof Error ? error.message : String(error);
  return `signatures cannot be verified: ${oneLine(why).slice(0, 300)}`;
}

interface Desk {
  readonly policy: SignaturePolicy;
  readonly path: string;
  readonly reader: ObjectReader;
  readonly folder: string;
  /** Verified before; what is now verified is added. */
  readonly good: Set<string>;
  readonly at: number;
}

async function verifyHistory(desk: Desk, head: string, accepted: Accepted): Promise<void> {
  const { policy, reader, good } = desk;
  const { trustedCommit } = policy;
  if ((await reader.git(['rev-parse', '--is-shallow-repository'])).trim() !== 'false')
    throw new UntrustedError('the repository holds no full history. Serve one that is no shallow clone.');
  if (!(await isKnown(reader, trustedCommit)))
    throw new UntrustedError(
      `no commit ${trustedCommit}, which is the trustedCommit. Name one of this branch, by its full id.`,
    );
  if (!(await isAncestor(reader, trustedCommit, head)))
    throw new UntrustedError(
      `commit ${short(head)} is not a descendant of the trustedCommit ${short(trustedCommit)}. ${WHAT_TO_DO}`,
    );
  const inForce = await followedFrom(reader, head, accepted, trustedCommit);
  const since = async (...before: readonly string[]) =>
    lines(
      await reader.git(['rev-list', '--topo-order', '--reverse', head, ...before.map((one) => `^${one}`)]),
    );
  const commits = (await since(trustedCommit)).filter((commit) => !good.has(commit));
  if (commits.length === 0) return;
  await checkProgram(desk);
  const isNew = new Set(await since(trustedCommit, ...(inForce === undefined ? [] : [inForce])));
  await verifyCommits(desk, commits, isNew);
}

/**
 * The commit in force, when the new one must follow from it. It need not once somebody has said to trust a commit that is not part
 * of what is in force: that is how a history that was rewritten on purpose comes in.
 */
async function followedFrom(
  reader: ObjectReader,
  head: string,
  accepted: Accepted,
  trustedCommit: string,
): Promise<string | undefined> {
  const { commit } = accepted;
  if (commit === undefined) return undefined;
  const isHere = await isKnown(reader, commit);
  if (isHere && (await isAncestor(reader, commit, head))) return commit;
  const isMoved = isHere
    ? !(await isAncestor(reader, trustedCommit, commit))
    : accepted.trustedCommit !== undefined && accepted.trustedCommit !== trustedCommit;
  if (isMoved) return undefined;
  throw new UntrustedError(
    `commit ${short(head)} is not a descendant of ${short(commit)}, which is in force: history was rewound or rewritten. Push one that follows from it; or review this one, and make it the trustedCommit.`,
  );
}

async function verifyCommits(
  desk: Desk,
  commits: readonly string[],
  isNew: ReadonlySet<string>,
): Promise<void> {
  const { policy, path, reader, good } = desk;
  const signed = await readSignedCommits(reader, commits);
  const changed = policy.paths ? await readChangedPaths(reader, signed) : [];
  const mayChange = createPathRules(policy.paths ?? [{ prefix: '', signers: [] }]);
  const isValidNow = createKeyCheck(desk);
  const bad: { readonly commit: SignedCommit; readonly why: string | undefined }[] = [];
  for (const [index, commit] of signed.entries()) {
    const { signer, key } = commit;
    const own = [...(changed[index] ?? [])].filter((one) => isWithin(one, path));
    const forbidden = signer === undefined ? [] : own.filter((one) => !mayChange(signer, one));
    if (signer === undefined) bad.push({ commit, why: undefined });
    else if (isNew.has(commit.commit) && !(await isValidNow(commit, signer)))
      bad.push({ commit, why: `is signed by ${signer}, whose key ${key} is not valid now` });
    else if (forbidden.length > 0)
      bad.push({ commit, why: `is signed by ${signer}, who may not change ${pathsText(forbidden)}` });
    else good.add(commit.commit);
  }
  const [first] = bad;
  if (!first) return;
  const { commit, author } = first.commit;
  const why = first.why ?? (await whyNotSigned(desk, first.commit));
  const more = bad.length === 1 ? '' : ` ${bad.length - 1} more after it will not do either.`;
  throw new UntrustedError(`commit ${short(commit)} by ${oneLine(author)} ${why}.${more} ${WHAT_TO_DO}`);
}

/** The date of a commit is whatever its author wrote. What was never in force must have been signed with a key that is valid today. */
function createKeyCheck({ reader, folder, at }: Desk) {
  const checked = new Map<string, Promise<boolean>>();
  const file = join(folder, 'signature');
  const check = async ({ commit }: SignedCommit, signer: string): Promise<boolean> => {
    await writeFile(file, (await readSignature(reader, commit)) ?? '', { mode: 0o600 });
    const time = rfc3339(at).replace(/\D/g, '');
    const signers = join(folder, SIGNERS);
    const args = ['-Y', 'find-principals', '-s', file, '-f', signers, `-Overify-time=${time}`];
    try {
      return lines(await reader.sshKeygen(args)).includes(signer);
    } catch (error) {
      if (error instanceof ProgramError && error.code !== undefined) return false;
      throw error;
    }
  };
  return (commit: SignedCommit, signer: string): Promise<boolean> => {
    const id = `${commit.key} ${signer}`;
    const known = checked.get(id) ?? check(commit, signer);
    checked.set(id, known);
    return known;
  };
}

async function whyNotSigned({ reader, policy }: Desk, { commit, key }: SignedCommit): Promise<string> {
  const signature = await readSignature(reader, commit);
  if (signature === undefined) return 'is not signed';
  if (!signature.startsWith('-----BEGIN SSH SIGNATURE-----'))
    return 'has a signature that is not made with an SSH key: OpenPGP and X.509 do not count';
  return key === ''
    ? 'has a signature that does not fit: it was changed after it was signed, or the key is not allowed to sign for git'
    : `is signed with the key ${key}, which is not in ${policy.allowedSigners}, or was not valid at the date of the commit`;
}

/** Without ssh-keygen, git takes every signature for a bad one. */
async function checkProgram({ reader }: Desk): Promise<void> {
  try {
    await reader.sshKeygen(['-Y', 'check-novalidate', '-n', 'git', '-s', '/dev/null']);
  } catch (error) {
    // It complains of the empty signature, and that is what shows that it works.
    if (error instanceof ProgramError && !error.isMissing && /signature/i.test(error.message)) return;
    throw error;
  }
}

async function isKnown({ git }: ObjectReader, commit: string): Promise<boolean> {
  if (!/^[0-9a-f]{40}$/.test(commit)) return false;
  return git(['cat-file', '-e', `${commit}^{commit}`]).then(
    () => true,
    (error: unknown) => {
      if (error instanceof ProgramError && error.code !== undefined && !isReadDamage(error)) return false;
      throw error;
    },
  );
}

async function isAncestor({ git }: ObjectReader, older: string, newer: string): Promise<boolean> {
  try {
    await git(['merge-base', '--is-ancestor', older, newer]);
    return true;
  } catch (error) {
    if (error instanceof ProgramError && error.code === 1) return false;
    throw error;
  }
}

function pathsText(paths: readonly string[]): string {
  const [first = ''] = paths;
  return `${oneLine(first)}${paths.length > 1 ? ` and ${paths.length - 1} more` : ''}`;
}

function lines(output: string): readonly string[] {
  return output.split('\n').filter(Boolean);
}

function short(commit: string): string {
  return commit.slice(0, 12);
}
