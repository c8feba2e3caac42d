import { once } from 'node:events';
import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { type Clock, sleep } from '../../machinery/clock.ts';
import type { SpdyStream } from '../wire/spdy.ts';
import type { PortTunnels } from './port-tunnels.ts';

/** As kubelets wait for the other stream of a pair. */
const MAX_PAIRING_MS = 30_000;
/** What refused a connection is known a moment after the connection has ended. */
const MAX_REFUSAL_MS = 1_000;

interface HalfPair {
  readonly stream: SpdyStream;
  readonly stopWaiting: () => void;
}

export interface PortForward {
  /** For each stream that the client opens: one for data, one for what goes wrong with it. */
  add(stream: SpdyStream): void;
}

export interface PortForwardOptions {
  readonly pod: string;
  readonly tunnels: PortTunnels;
  readonly clock: Clock;
  readonly gone: AbortSignal;
}

/** Carries one TCP connection for each pair of streams. */
export function createPortForward(options: PortForwardOptions): PortForward {
  const halves = new Map<string, HalfPair>();
  return {
    add(stream) {
      const type = stream.headers.get('streamtype') ?? '';
      const pair = stream.headers.get('requestid');
      if (pair === undefined || (type !== 'data' && type !== 'error')) return void stream.destroy();
      const half = halves.get(pair);
      if (!half)
        return void halves.set(
          pair,
          waitForOther(stream, () => halves.delete(pair), options.clock),
        );
      halves.delete(pair);
      half.stopWaiting();
      const isData = type === 'data';
      // Twice the same is no pair.
      if (half.stream.headers.get('streamtype') === type) {
        half.stream.destroy();
        return void stream.destroy();
      }
      void forward(isData ? stream : half.stream, isData ? half.stream : stream, options);
    },
  };
}

/** `forget` is called when there will be no pair: the time is over, or the client has given the stream up. */
function waitForOther(stream: SpdyStream, forget: () => void, clock: Clock): HalfPair {
  const timer = clock.setTimer(MAX_PAIRING_MS, () => stream.destroy());
  const giveUp = () => {
    timer.cancel();
    forget();
  };
  stream.once('close', giveUp);
  const stopWaiting = () => {
    timer.cancel();
    stream.off('close', giveUp);
  };
  return { stream, stopWaiting };
}

/** Never throws: what goes wrong is told to the error stream, in kubelet's words. */
async function forward(data: SpdyStream, error: SpdyStream, options: PortForwardOptions): Promise<void> {
  const { tunnels, pod } = options;
  const text = data.headers.get('port') ?? '';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  error.resume();
  try {
    const use = await tunnels.enter(port);
    try {
      const why = await carry(data, use.localPort, use.refused, options);
      error.end(why === undefined ? undefined : inWords(port, pod, why));
    } finally {
      use.leave();
    }
  } catch (failure) {
    const why = failure instanceof Error ? failure.message : String(failure);
    error.end(inWords(port, pod, why));
    data.destroy();
  }
}

function inWords(port: number, pod: string, why: string): string {
  return `error forwarding port ${port} to pod ${pod}: ${why}`;
}

/**
 * One connection that breaks off is no failure of the others, and kubectl ends them all at the first word: only why there was
 * no connection at all is worth one.
 * @returns why the target took no connection
 */
async function carry(
  data: SpdyStream,
  localPort: number,
  refused: AbortSignal,
  { clock, gone }: PortForwardOptions,
): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port: localPort, allowHalfOpen: true });
  const end = () => void socket.destroy();
  gone.addEventListener('abort', end, { once: true });
  if (gone.aborted) end();
  try {
    await once(socket, 'connect', { signal: gone });
    const both = await Promise.allSettled([pipeline(data, socket), pipeline(socket, data)]);
    if (both.some(({ status }) => status === 'rejected')) data.destroy();
    if (socket.bytesRead > 0) return undefined;
    await sleep(clock, MAX_REFUSAL_MS, AbortSignal.any([refused, gone]));
    return refused.aborted ? String(refused.reason) : undefined;
  } finally {
    gone.removeEventListener('abort', end);
    end();
  }
}
