import type { Sessions, Tunnels } from '../api/session.ts';
import type { Clock } from '../machinery/clock.ts';
import { findPlugin, type Plugin, type PluginSettings } from './plugin.ts';
import { openPortTunnel } from './port-tunnel.ts';
import { openStreamSession, runAtTerminal } from './stream-session.ts';

export interface TunnelsOptions {
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly plugin: PluginSettings;
  /** See `terminal-signals.ts`; a process that opens no terminal needs none. */
  readonly holdSignals?: () => () => void;
}

/** Sessions in plugin processes of their own, which all end when they are closed or when this process ends. */
export function createTunnels({ sessions, clock, plugin: settings, ...options }: TunnelsOptions): Tunnels {
  let looking: Promise<Plugin> | undefined;
  // Once; but who installs it after it was missed need not start anew.
  const plugin = () => {
    looking ??= findPlugin(clock, settings).catch((error: unknown) => {
      looking = undefined;
      throw error;
    });
    return looking;
  };
  const holdSignals = options.holdSignals ?? (() => () => undefined);
  const parts = async () => ({ sessions, clock, plugin: await plugin(), holdSignals });
  return {
    openPort: async (request, signal) => openPortTunnel({ ...(await parts()), request }, signal),
    openStreams: async (request, signal) => openStreamSession(await parts(), request, signal),
    openTerminal: async (request, signal) => runAtTerminal(await parts(), request, signal),
  };
}
