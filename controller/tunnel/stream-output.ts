import { Transform } from 'node:stream';

/**
 * What the plugin adds before and after what the far end said, as its source has it: of no use to who reads the output of a command.
 * Both are told from the session's own words by its id.
 */
export function withoutFrame(sessionId: string): Transform {
  const head = Buffer.from(`\nStarting session with SessionId: ${sessionId}\n`);
  const tail = Buffer.from(`\n\nExiting session with sessionId: ${sessionId}.\n\n`);
  let start: Buffer | undefined = Buffer.alloc(0);
  let held: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let rest = chunk;
      if (start) {
        start = Buffer.concat([start, chunk]);
        if (start.length < head.length && head.subarray(0, start.length).equals(start)) return done();
        rest = start.subarray(0, head.length).equals(head) ? start.subarray(head.length) : start;
        start = undefined;
      }
      const all = Buffer.concat([held, rest]);
      const kept = lengthOfTail(all, tail);
      held = all.subarray(all.length - kept);
      done(null, all.subarray(0, all.length - kept));
    },
    flush(done) {
      const rest = Buffer.concat([start ?? Buffer.alloc(0), held]);
      done(null, rest.equals(tail) ? null : rest);
    },
  });
}

/** How many of the last bytes may be the beginning of `tail`, or all of it. */
function lengthOfTail(bytes: Buffer, tail: Buffer): number {
  for (let length = Math.min(bytes.length, tail.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(tail.subarray(0, length))) return length;
  }
  return 0;
}
