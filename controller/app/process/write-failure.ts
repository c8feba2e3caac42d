/** What writing fails with when whoever read is gone: another program (`| head`), or the terminal. */
const GONE: ReadonlySet<unknown> = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);

export function isGone({ code }: NodeJS.ErrnoException): boolean {
  return GONE.has(code);
}

/** `no space left on device (ENOSPC)`: as Node says it, without the name of the system call. */
export function causeOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EPIPE') return 'broken pipe (EPIPE)';
  const [, cause] = /^[A-Z]+: ([^,]+)/.exec(message) ?? [];
  return cause === undefined ? message : `${cause} (${code})`;
}
