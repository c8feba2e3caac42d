import { PassThrough, Writable } from 'node:stream';
import type { Sessions, StartedSession, StreamRequest, StreamSession } from '../api/session.ts';
import { type Clock, within } from '../machinery/clock.ts';
import type { Plugin } from './plugin.ts';
import { launchPlugin, type PluginProcess } from './plugin-process.ts';
import { endSession, unlessAborted } from './session-end.ts';
import { withoutFrame } from './stream-output.ts';

export interface StreamOptions {
  readonly sessions: Sessions;
  readonly plugin: Plugin;
  readonly clock: Clock;
  /** Keeps the keys of the terminal that send signals from ending or stopping this process. @returns what undoes it */
  readonly holdSignals: () => () => void;
}

/** Ctrl-D: how a terminal is told that nothing more comes. */
const END_OF_INPUT = '\u0004';
/** With a shell the plugin hands SIGINT on to the far end. */
const END = 'SIGTERM';
const LONGEST_GOODBYE_MS = 5_000;

/** @throws SessionError */
export async function openStreamSession(
  options: StreamOptions,
  request: StreamRequest,
  signal: AbortSignal,
): Promise<StreamSession> {
  const session = await startSession(options, request, signal);
  const launched = launchPlugin({
    ...options,
    ...{ session, stdio: ['pipe', 'pipe', 'pipe'], atTerminal: false, signal: END },
  });
  const { stdin, stdout, stderr } = launched.child;
  const close = closerOf(options, session, launched);
  // A plugin that ends by itself does so because its session is over.
  const ended = launched.ended.finally(() => close().catch(() => undefined));
  ended.catch(() => undefined);
  if (!stdin || !stdout || !stderr) throw new Error('the plugin was started without streams');
  const plain = withoutFrame(session.id);
  stdout.on('error', () => undefined).pipe(plain);
  const errors = new PassThrough();
  stderr.on('error', () => undefined).pipe(errors);
  const giveUp = () => void close().catch(() => undefined);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  void ended.catch(() => undefined).then(() => signal.removeEventListener('abort', giveUp));
  return { stdin: inputTo(stdin), stdout: plain, stderr: errors, ended, close };
}

/** @throws SessionError */
export async function runAtTerminal(
  options: StreamOptions,
  request: StreamRequest,
  signal: AbortSignal,
): Promise<number> {
  const release = options.holdSignals();
  try {
    const session = await startSession(options, request, signal);
    const launched = launchPlugin({ ...options, session, stdio: 'inherit', atTerminal: true, signal: END });
    // Told by the far end that it is over, the plugin gives the terminal its settings back; a signal would leave it without echo.
    const giveUp = () =>
      void endSession({ ...options, session })
        .then(() => within(options.clock, LONGEST_GOODBYE_MS, () => launched.ended))
        .catch(() => launched.stop(END));
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      return await launched.ended;
    } finally {
      signal.removeEventListener('abort', giveUp);
      await endSession({ ...options, session });
    }
  } finally {
    release();
  }
}

async function startSession(
  { sessions }: StreamOptions,
  { origin, purpose }: StreamRequest,
  signal: AbortSignal,
): Promise<StartedSession> {
  const from = await unlessAborted(origin(), signal);
  return sessions.start({ ...from, purpose }, signal);
}

/** The same end for all who ask. */
function closerOf(
  options: StreamOptions,
  session: StartedSession,
  launched: PluginProcess,
): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= launched.stop(END).then(() => endSession({ ...options, session }));
    return closed;
  };
}

/**
 * The far end has a terminal, and the plugin takes the end of its stdin for the end of the session, output or not. So who has
 * nothing more to say ends the input as a person would, and the session goes on until the far end is done.
 */
function inputTo(stdin: Writable): Writable {
  let isLineOpen = false;
  stdin.on('error', () => undefined);
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      isLineOpen = chunk.at(-1) !== 0x0a;
      // One that is gone is told by `ended`.
      stdin.write(chunk, () => done());
    },
    final(done) {
      // In the middle of a line the first one only sends what there is.
      if (stdin.writable) stdin.write(isLineOpen ? END_OF_INPUT.repeat(2) : END_OF_INPUT, () => done());
      else done();
    },
  });
}
