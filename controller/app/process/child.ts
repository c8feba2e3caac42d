import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Child } from '../../cli/io.ts';

/** Runs a program at this process's own terminal, with `env` besides this process's own environment. */
export function launchChild(command: readonly string[], env: Readonly<Record<string, string>>): Child {
  const [program = '', ...words] = command;
  const child = spawn(program, words, { stdio: 'inherit', env: { ...process.env, ...env } });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, name) => resolve(code ?? 128 + (name ? constants.signals[name] : 0)));
  });
  return { ended, kill: (name) => void child.kill(name) };
}
