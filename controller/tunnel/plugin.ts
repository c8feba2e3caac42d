import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SessionError } from '../api/session.ts';
import { type Clock, LateError, within } from '../machinery/clock.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface PluginSettings {
  /** The program and its first words, instead of looking for the official plugin. */
  readonly command?: readonly string[] | undefined;
  /** What the plugin runs with, and where PATH is read. */
  readonly env: Env;
  /** Where installers put it; default: the places of this system. */
  readonly usualPlaces?: readonly string[];
}

/** One that was found, runs, and is new enough. */
export interface Plugin {
  readonly command: readonly string[];
  readonly version: string;
  readonly env: Env;
}

const NAME = 'session-manager-plugin';
/**
 * The next release was the first to take the session's token from its environment. Older ones take it as an argument only, where
 * every user of the machine can read it in the list of processes: with the token anybody there could use the session.
 */
const LAST_TOO_OLD = '1.2.497.0';
const FIRST_GOOD = '1.2.536.0';
const LONGEST_ANSWER_MS = 10_000;
const INSTALL =
  'install it: https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html';

const UNIX_PLACES = [
  `/usr/local/sessionmanagerplugin/bin/${NAME}`,
  `/opt/homebrew/bin/${NAME}`,
  `/usr/local/bin/${NAME}`,
];

/** @throws SessionError when there is none, it does not run, or it is too old */
export async function findPlugin(clock: Clock, settings: PluginSettings): Promise<Plugin> {
  const { env, command = lookUp(settings) } = settings;
  const answer = await askVersion(clock, command, env);
  const version = /^\s*(\d+(?:\.\d+){1,3})\s*$/.exec(answer)?.[1];
  const path = command.join(' ');
  if (version === undefined) {
    const said = answer.trim().slice(0, 200) || 'nothing';
    throw new SessionError(
      'PluginFailed',
      `${path} --version said ${said}, which is no version`,
      `check that it is the Session Manager plugin, or ${INSTALL}`,
    );
  }
  if (compareVersions(version, LAST_TOO_OLD) <= 0) {
    throw new SessionError(
      'PluginTooOld',
      `${path} is version ${version}: it takes the session's secret only where other users of this machine can read it`,
      `update it to ${FIRST_GOOD} or newer; ${INSTALL}`,
    );
  }
  return { command, version, env };
}

function lookUp({ env, usualPlaces = placesOf(env) }: PluginSettings): readonly string[] {
  const file = process.platform === 'win32' ? `${NAME}.exe` : NAME;
  const path = env['PATH'] ?? env['Path'] ?? '';
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  const found = [...folders.map((folder) => join(folder, file)), ...usualPlaces].find(isProgram);
  if (found === undefined) {
    throw new SessionError(
      'PluginMissing',
      `the Session Manager plugin (${NAME}) is neither in PATH nor where it is usually installed`,
      INSTALL,
    );
  }
  return [found];
}

function placesOf(env: Env): readonly string[] {
  if (process.platform !== 'win32') return UNIX_PLACES;
  const programs = env['ProgramFiles'] ?? 'C:\\Program Files';
  return [join(programs, 'Amazon', 'SessionManagerPlugin', 'bin', `${NAME}.exe`)];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function askVersion(clock: Clock, command: readonly string[], env: Env): Promise<string> {
  const [program = '', ...words] = command;
  const child = spawn(program, [...words, '--version'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  try {
    await within(clock, LONGEST_ANSWER_MS, () => ended);
  } catch (error) {
    child.kill('SIGKILL');
    throw cannotRun(command.join(' '), error);
  }
  return said;
}

function cannotRun(path: string, error: unknown): SessionError {
  const options = { cause: error };
  if (error instanceof LateError) {
    const message = `${path} --version does not answer`;
    return new SessionError('PluginFailed', message, `check that it runs by itself, or ${INSTALL}`, options);
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT')
    return new SessionError(
      'PluginMissing',
      `there is no Session Manager plugin at ${path}`,
      INSTALL,
      options,
    );
  const why = error instanceof Error ? error.message : String(error);
  const message = `cannot run the Session Manager plugin at ${path}: ${why}`;
  return new SessionError('PluginFailed', message, 'check that you may run that file', options);
}

/** @returns below, at or above zero as `a` is older than, as old as or newer than `b` */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let part = 0; part < Math.max(left.length, right.length); part++) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
