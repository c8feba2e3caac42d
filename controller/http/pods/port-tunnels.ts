import { type PortRequest, type PortTunnel, SessionError, type TunnelChange } from '../../api/session.ts';
import type { Clock, Timer } from '../../machinery/clock.ts';

/** The tunnels of one `kubectl port-forward`: one for each port, whatever the number of its connections. */
export interface PortTunnels {
  /** Opens the tunnel if there is none. @throws Error with a message for people */
  enter(port: number): Promise<TunnelUse>;
  close(): Promise<void>;
}

export interface TunnelUse {
  readonly localPort: number;
  /** Aborts when the target takes no connection, with the reason why. */
  readonly refused: AbortSignal;
  leave(): void;
}

export interface PortTunnelsOptions {
  readonly clock: Clock;
  /** @throws Error for a port that leads nowhere */
  readonly request: (port: number) => Promise<Pick<PortRequest, 'origin' | 'host' | 'port'>>;
  readonly openPort: (request: PortRequest, signal: AbortSignal) => Promise<PortTunnel>;
}

/** A session that nobody uses would keep the Bastion from being idle; the next connection opens another one. */
const MAX_UNUSED_MS = 10 * 60_000;

interface Entry {
  readonly tunnel: Promise<PortTunnel>;
  refusal: AbortController;
  uses: number;
  timer: Timer | undefined;
}

export function createPortTunnels({ clock, request, openPort }: PortTunnelsOptions): PortTunnels {
  const closing = new AbortController();
  const entries = new Map<number, Entry>();
  const drop = async (port: number, entry: Entry) => {
    if (entries.get(port) === entry) entries.delete(port);
    entry.timer?.cancel();
    await (await entry.tunnel).close();
  };
  const open = (port: number): Entry => {
    const onChange = (change: TunnelChange) => {
      if (change.kind !== 'refused') return;
      const { refusal } = entry;
      entry.refusal = new AbortController();
      refusal.abort(wordsOf(change.error));
    };
    const tunnel = (async () => {
      const wanted = await request(port);
      return openPort({ ...wanted, localPort: 0, onChange }, closing.signal);
    })();
    const entry: Entry = { tunnel, refusal: new AbortController(), uses: 0, timer: undefined };
    entries.set(port, entry);
    const forget = () => void drop(port, entry).catch(() => {});
    tunnel.then(({ ended }) => ended).then(forget, forget);
    return entry;
  };
  return {
    async enter(port) {
      const entry = entries.get(port) ?? open(port);
      entry.timer?.cancel();
      entry.uses++;
      const leave = () => {
        if (--entry.uses > 0 || entries.get(port) !== entry || closing.signal.aborted) return;
        entry.timer = clock.setTimer(MAX_UNUSED_MS, () => void drop(port, entry).catch(() => {}));
      };
      try {
        const { localPort } = await entry.tunnel;
        return { localPort, refused: entry.refusal.signal, leave };
      } catch (error) {
        leave();
        throw error instanceof SessionError ? new Error(wordsOf(error), { cause: error }) : error;
      }
    },
    async close() {
      closing.abort();
      await Promise.allSettled([...entries].map(([port, entry]) => drop(port, entry)));
    },
  };
}

function wordsOf({ message, hint }: SessionError): string {
  return `${message}: ${hint}`;
}
