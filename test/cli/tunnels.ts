import {
  type PortRequest,
  type PortTunnel,
  SessionError,
  type SessionRequest,
  type StreamRequest,
  type Tunnels,
} from '../../controller/api/session.ts';

export interface FakeTunnel {
  readonly request: PortRequest;
  readonly went: Omit<SessionRequest, 'purpose'>;
  closed: boolean;
  /** Cannot go on. */
  break(error: SessionError): void;
}

/** Tunnels without a plugin, whose fate a test decides. */
export function fakeTunnels() {
  const opened: FakeTunnel[] = [];
  const terminals: { request: StreamRequest; exit: (code: number) => void }[] = [];
  const refusals: unknown[] = [];
  async function openPort(request: PortRequest): Promise<PortTunnel> {
    const refusal = refusals.shift();
    if (refusal !== undefined) throw refusal;
    const went = await request.origin();
    let resolve = () => {};
    let reject: (error: SessionError) => void = () => {};
    const ended = new Promise<void>((...settlers) => {
      [resolve, reject] = settlers;
    });
    ended.catch(() => undefined);
    const tunnel: FakeTunnel = { request, went, closed: false, break: (error) => reject(error) };
    opened.push(tunnel);
    return {
      localPort: request.localPort === 0 ? 40_000 : request.localPort,
      ended,
      close: async () => {
        tunnel.closed = true;
        resolve();
      },
    };
  }
  const tunnels: Tunnels = {
    openPort,
    openStreams: () => Promise.reject(new Error('no streams')),
    openTerminal: (request, signal) =>
      new Promise((resolve, reject) => {
        terminals.push({ request, exit: resolve });
        const gone = () => reject(new SessionError('Refused', 'aborted', 'again'));
        signal.addEventListener('abort', gone, { once: true });
      }),
  };
  return { tunnels, opened, terminals, refusals };
}
