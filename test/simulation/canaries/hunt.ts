import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle, NODE_FLAGS } from '../bundle.ts';
import type { Canary } from './canary.ts';
import { CANARIES } from './index.ts';

/** What came of one canary. */
export interface Catch {
  readonly name: string;
  readonly caught: boolean;
  /** How many histories were played, the one that caught it included. */
  readonly schedules: number;
  readonly seconds: number;
  /** Of the promise that was found broken, and how. */
  readonly oracle?: string;
  readonly what?: string;
  /** What replays it, in a process with this canary. */
  readonly schedule?: unknown;
  /** Why its histories could not be played to an end. */
  readonly error?: string;
}

export interface HuntOptions {
  /** How many processes at a time. */
  readonly workers: number;
  /** Milliseconds, as time really passes. */
  readonly nowMs: () => number;
  readonly onProgress?: (one: Catch) => void;
  readonly canaries?: readonly Canary[];
}

const ROOT = new URL('../../../', import.meta.url);
/** Far more than a canary that is never caught needs. */
const TIMEOUT_MS = 15 * 60_000;

/** Looks for each canary in a process of its own. Only an oracle counts: one whose process fails is not caught. */
export async function huntCanaries(options: HuntOptions): Promise<readonly Catch[]> {
  const waiting = [...(options.canaries ?? CANARIES)];
  const results: Catch[] = [];
  const work = async () => {
    for (let canary = waiting.shift(); canary; canary = waiting.shift()) {
      const one = await hunt(canary, options.nowMs);
      results.push(one);
      options.onProgress?.(one);
    }
  };
  await Promise.all(Array.from({ length: options.workers }, work));
  return results;
}

export function sourceOf({ file }: Canary): string {
  return readFileSync(new URL(`controller/${file}`, ROOT), 'utf8');
}

async function hunt(canary: Canary, nowMs: () => number): Promise<Catch> {
  const startedMs = nowMs();
  const { name } = canary;
  const said = await run(canary);
  const seconds = Math.round((nowMs() - startedMs) / 1000);
  if ('error' in said) return { name, caught: false, schedules: 0, seconds, error: said.error };
  return { ...(JSON.parse(said.line) as Catch), seconds };
}

async function run(canary: Canary): Promise<{ line: string } | { error: string }> {
  const program = await bundle('canary-run.ts', canary);
  const options = { cwd: fileURLToPath(ROOT), timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 };
  const args = [...NODE_FLAGS, program.path, canary.name];
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      void program.remove();
      resolve(error ? { error: `${error.message}\n${stderr}`.slice(-2_000) } : { line: stdout });
    });
  });
}
