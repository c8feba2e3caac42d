import { connect, type Socket } from 'node:net';
import type { Clock } from '../machinery/clock.ts';

export interface RelayEvents {
  /** The plugin does not take connections any more. The client is as it was. */
  readonly onUnreachable: () => void;
  /** The far side ended it at once and without a byte, while the client wanted to go on. */
  readonly onClosedAtOnce: () => void;
}

/** An answer that is none comes as soon as the agent has tried. */
const AT_ONCE_MS = 2_000;

/**
 * Carries one connection to the plugin's port, each direction for itself: one that a side has ended stays open the other way.
 * `client` must allow that.
 */
export function relay(client: Socket, port: number, clock: Clock, events: RelayEvents): void {
  const plugin = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
  const startedMs = clock.monotonic();
  let connected = false;
  const end = () => {
    client.destroy();
    plugin.destroy();
  };
  plugin.once('connect', () => {
    connected = true;
    client.pipe(plugin);
    plugin.pipe(client);
  });
  plugin.once('end', () => {
    const isQuick = clock.monotonic() - startedMs <= AT_ONCE_MS;
    if (isQuick && plugin.bytesRead === 0 && !client.readableEnded && !client.destroyed)
      events.onClosedAtOnce();
  });
  plugin.on('error', () => (connected ? end() : events.onUnreachable()));
  client.on('error', end);
  // A side that is gone for good leaves nobody to talk to.
  client.once('close', () => plugin.destroy());
  plugin.once('close', () => {
    if (connected) client.destroySoon();
  });
}
