/** What writing fails with when whoever read is gone: another program (`| head`), or the terminal. */
const GONE: ReadonlySet<unknown> = new Set(['EPIPE', 'EIO']);

/**
 * Nobody reads any more: then this process is told to end, as other programs are by SIGPIPE, which Node ignores. In good order,
 * for a controller has a lease to give away and a verb may have begun something.
 */
export function endWithReader(): void {
  let isTold = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!GONE.has(error.code)) throw error;
      if (!isTold) process.kill(process.pid, 'SIGTERM');
      isTold = true;
    });
  }
}
