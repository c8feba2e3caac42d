import { mkdir, open, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import type { CliIo } from '../../cli/io.ts';
import { UsageError } from '../config/usage-error.ts';
import { launchChild } from './child.ts';
import { tellToEnd } from './closed-pipe.ts';
import { checkedOutput } from './output.ts';
import { saveFile } from './save-file.ts';

/** What a command line touches of the machine, as it is. */
export function terminalIo(
  signal: AbortSignal,
): Pick<
  CliIo,
  | 'stdout'
  | 'stderr'
  | 'stdin'
  | 'readFile'
  | 'listFiles'
  | 'writeFile'
  | 'saveFile'
  | 'ask'
  | 'user'
  | 'noColor'
  | 'launch'
  | 'hasTerminal'
> {
  const end = tellToEnd();
  return {
    stdout: checkedOutput(process.stdout, 'standard output', end),
    // What cannot be told ends nothing, unless nobody is there any more.
    stderr: checkedOutput(process.stderr, 'standard error', (isReaderGone) => isReaderGone && end()),
    ...{ listFiles, writeFile: replaceFile, saveFile },
    stdin: () => text(process.stdin),
    readFile: (path) => readFile(path, 'utf8'),
    ask: process.stdin.isTTY ? (question) => ask(question, signal) : undefined,
    user: userName(process.env['USER']),
    ...{ launch: launchChild, hasTerminal: process.stdin.isTTY === true },
    noColor: (process.env['NO_COLOR'] ?? '') !== '',
  };
}

async function listFiles(
  path: string,
  { recursive }: { readonly recursive: boolean },
): Promise<string[] | undefined> {
  if (!(await stat(path)).isDirectory()) return undefined;
  const entries = await readdir(path, { recursive, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function ask(question: string, signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question, { signal });
  } finally {
    terminal.close();
  }
}

/** A container may run under a number that has no name. */
function userName(fallback: string | undefined): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return fallback;
  }
}

/** In one step, and never beside kubectl, which locks its configuration in the same way. */
export async function replaceFile(path: string, content: string): Promise<void> {
  // A link stays one.
  const target = await realpath(path).catch(() => path);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const lock = `${target}.lock`;
  await takeLock(lock);
  const draft = `${target}.${process.pid}`;
  try {
    await writeFile(draft, content, { mode: 0o600 });
    await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
    await rm(lock, { force: true });
  }
}

async function takeLock(lock: string): Promise<void> {
  try {
    await (await open(lock, 'wx', 0o600)).close();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new UsageError(`another program is changing it; if none is, remove ${lock}`);
  }
}
