import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vi } from 'vitest';

/** All that a person sees of a command. */
export interface Reply {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Written to its standard input: text as it stands, an object as JSON. */
  readonly stdin?: string | object;
  readonly env?: Readonly<Record<string, string>>;
}

/** A kubectl that goes on until it is ended. */
export interface Follower {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Waits until standard output holds all of these. */
  shows(...parts: readonly string[]): Promise<void>;
  /** What it answered once it had ended by itself. */
  ended(): Promise<Reply>;
  /** Ends it as Ctrl-C does. */
  stop(): Promise<void>;
}

export interface Kubectl {
  /** A command line without `kubectl`, written as in a shell; only quotes have a meaning. */
  run(line: string, options?: RunOptions): Promise<Reply>;
  follow(line: string, options?: RunOptions): Follower;
  /** Writes a file of this home. @returns its path */
  file(name: string, content: string | object): Promise<string>;
}

export interface Home {
  /** A folder that nobody else uses: HOME, the cache of discovery and the kubeconfig are in it. */
  readonly folder: string;
  readonly namespace?: string;
  /** In front of the PATH: where plugins are. */
  readonly path?: string;
  /** Another one than kubectl, which is then given nothing but what the line says. */
  readonly program?: string;
}

/** Longer than any command here takes on a busy machine; a kubectl that hangs is ended then. */
const LONGEST_RUN_MS = 60_000;
const PATIENCE_MS = 40_000;
const POLL_MS = 15;

export function createKubectl(home: Home): Kubectl {
  return {
    run: (line, options) => followProcess(start(home, line, options)).ended(),
    follow: (line, options) => followProcess(start(home, line, options)),
    async file(name, content) {
      const path = join(home.folder, name);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, textOf(content));
      return path;
    },
  };
}

/** What a command that went well has written. */
export function done(stdout = '', stderr = ''): Reply {
  return { code: 0, stdout: line(stdout), stderr: line(stderr) };
}

/** What a command that failed has written. */
export function failed(stderr: string, code = 1, stdout = ''): Reply {
  return { code, stdout: line(stdout), stderr: line(stderr) };
}

/** What the server refused, as kubectl says it. */
export function refused(reason: string, message: string): Reply {
  return failed(`Error from server (${reason}): ${message}`);
}

/** The cells of a table, row by row; no cell here has two spaces in it. */
export function cells({ code, stdout, stderr }: Reply): string[][] {
  if (code !== 0 || stderr !== '') throw new Error(`no table, but ${code}: ${stderr}`);
  return rows(stdout);
}

export function rows(table: string): string[][] {
  const lines = table.split('\n').filter((text) => text !== '');
  return lines.map((text) => text.trimEnd().split(/ {2,}/));
}

/** Polls until the work succeeds; the last failure is what is thrown. */
export async function eventually<T>(work: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(work, { timeout: PATIENCE_MS, interval: POLL_MS });
}

function start(home: Home, text: string, { stdin, env }: RunOptions = {}) {
  const { folder, path, program = 'kubectl' } = home;
  const systemPath = process.env['PATH'] ?? '';
  const words = splitWords(text);
  const child = spawn(program, program === 'kubectl' ? withFlags(words, home) : words, {
    cwd: folder,
    env: {
      ...{ HOME: folder, KUBECONFIG: join(folder, 'config'), TMPDIR: folder, TZ: 'UTC', LANG: 'C' },
      PATH: path ? `${path}:${systemPath}` : systemPath,
      ...env,
    },
  });
  child.stdin.on('error', () => {});
  child.stdin.end(stdin === undefined ? '' : textOf(stdin));
  return child;
}

/** Those that say whose home it is; a plugin has its own. What follows -- is not kubectl's. */
function withFlags(words: readonly string[], { folder, namespace }: Home): readonly string[] {
  if (words[0] === 'bastion') return words;
  const flags = [`--cache-dir=${join(folder, 'cache')}`, ...(namespace ? [`--namespace=${namespace}`] : [])];
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  return words.toSpliced(end, 0, ...flags);
}

function followProcess(child: ChildProcessWithoutNullStreams): Follower {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const exited = once(child, 'close') as Promise<[number | null, string | null]>;
  const patience = setTimeout(() => child.kill('SIGKILL'), LONGEST_RUN_MS);
  const ended = exited.then(([code, signal]): Reply => {
    clearTimeout(patience);
    return { code: code ?? `ended by ${signal}`, stdout, stderr };
  });
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    shows: (...parts) =>
      eventually(() => {
        // How wide kubectl makes its columns depends on what it has got by then.
        const found = oneSpace(stdout);
        const missing = parts.filter((part) => !found.includes(oneSpace(part)));
        if (missing.length > 0) throw new Error(`${missing.join(', ')} is not in:\n${stdout}${stderr}`);
      }),
    ended: () => ended,
    async stop() {
      child.kill('SIGINT');
      await ended;
    },
  };
}

function splitWords(text: string): string[] {
  const words = text.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double),
  );
}

function textOf(content: string | object): string {
  return typeof content === 'string' ? content : JSON.stringify(content);
}

function line(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function oneSpace(text: string): string {
  return text.replace(/ +/g, ' ');
}
