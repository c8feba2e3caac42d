import { writesToFile } from './output.ts';
import { isGone } from './write-failure.ts';

/**
 * Nobody reads any more: then this process is told to end, as other programs are by SIGPIPE, which Node ignores. In good order,
 * for a controller has a lease to give away and a verb may have begun something. A disk that is full ends nothing.
 */
export function endWithReader(): void {
  const end = tellToEnd();
  for (const stream of [process.stdout, process.stderr]) {
    const isFile = writesToFile(stream);
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!isFile && isGone(error)) end();
    });
  }
}

/** @returns what tells this process once: it dies of a second signal. */
export function tellToEnd(): () => void {
  let isTold = false;
  return () => {
    if (!isTold) process.kill(process.pid, 'SIGTERM');
    isTold = true;
  };
}
