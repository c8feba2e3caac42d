import type { Clock } from '../../machinery/clock.ts';
import type { ExecStreams, ExecWishes } from '../pods/exec-streams.ts';
import type { SpdyStream } from './spdy.ts';

/** Newest first; the fifth has nothing that matters here. */
export const EXEC_PROTOCOLS = ['v4.channel.k8s.io'] as const;

/** As long as kubelets wait for all streams of an exec. */
const MAX_OPENING_MS = 30_000;

export interface SpdyExec {
  /** For each stream that the client opens. */
  add(stream: SpdyStream): void;
  /** All that the client said it would open; undefined when it did not. */
  readonly streams: Promise<ExecStreams | undefined>;
}

/** Collects the streams of an exec: which one is which stands in its header. */
export function collectStreams(wishes: ExecWishes, clock: Clock, gone: AbortSignal): SpdyExec {
  const wanted = ['error', ...(['stdin', 'stdout', 'stderr'] as const).filter((name) => wishes[name])];
  const found = new Map<string, SpdyStream>();
  const { promise, resolve } = withResolver<ExecStreams | undefined>();
  const give = (streams?: ExecStreams) => {
    timer.cancel();
    resolve(streams);
  };
  const timer = clock.setTimer(MAX_OPENING_MS, () => give());
  gone.addEventListener('abort', () => give(), { once: true });
  return {
    streams: promise,
    add(stream) {
      const name = stream.headers.get('streamtype') ?? '';
      // The size of the terminal cannot be passed on to the plugin: it is read, and dropped.
      if (name === 'resize') return void stream.resume();
      if (!wanted.includes(name) || found.has(name)) return void stream.destroy();
      found.set(name, stream);
      if (name !== 'stdin') stream.resume();
      const error = found.get('error');
      if (found.size < wanted.length || !error) return;
      give({ error, stdin: found.get('stdin'), stdout: found.get('stdout'), stderr: found.get('stderr') });
    },
  };
}

function withResolver<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
