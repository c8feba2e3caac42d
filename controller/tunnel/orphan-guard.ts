import { type ChildProcess, spawn } from 'node:child_process';
import type { Env } from './plugin.ts';

/**
 * The plugin does not notice that who started it is gone: it reads no stdin while it forwards a port, and would keep the port and
 * the session open. So a shell waits beside it for the end of this process, which closes the pipe between them, however it
 * ended; then it signals the plugin. Windows has no such shell: there the session ends by its idle timeout or with the Bastion.
 * @returns what ends the guard, for a plugin that has ended
 */
export function guardOrphan(child: ChildProcess, signal: NodeJS.Signals, env: Env): () => void {
  const { pid } = child;
  if (pid === undefined || process.platform === 'win32') return () => undefined;
  const script = `trap '' INT HUP TERM QUIT; read -r _; kill -${signal.slice(3)} "$1" 2>/dev/null`;
  const guard = spawn('/bin/sh', ['-c', script, 'bastionctl-guard', `${pid}`], {
    env: { PATH: env['PATH'] },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Without a guard the plugin works as well.
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  return () => void guard.kill('SIGKILL');
}
