import { fileURLToPath } from 'node:url';
import type { Tunnels } from '../api/session.ts';
import type { ConnectionOptions } from '../cli/connection.ts';
import type { Clock } from '../machinery/clock.ts';
import { once } from './once.ts';
import type { Person } from './person.ts';

export interface TunnelParts {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Sessions as the person, which load what they need when the first is opened: AWS's SDK takes a second. */
export function openTunnels(
  person: Person,
  { plugin }: Pick<ConnectionOptions, 'plugin'>,
  parts: TunnelParts,
): Tunnels {
  const open = once(() => assemble(person, plugin, parts));
  return {
    openPort: async (request, signal) => (await open()).openPort(request, signal),
    openStreams: async (request, signal) => (await open()).openStreams(request, signal),
    openTerminal: async (request, signal) => (await open()).openTerminal(request, signal),
  };
}

async function assemble(
  person: Person,
  flag: string | undefined,
  { clock, env }: TunnelParts,
): Promise<Tunnels> {
  // What nobody can know ends it here, before a plugin is looked for.
  const isSimulated = await person.isSimulated();
  const [{ createSessions }, { createTunnels }, { holdSignals }] = await Promise.all([
    import('../aws/sessions.ts'),
    import('../tunnel/tunnels.ts'),
    import('../tunnel/terminal-signals.ts'),
  ]);
  // Simulated AWS asks for no profile, and none need exist.
  const profile = isSimulated ? '' : (env['AWS_PROFILE'] ?? '');
  const sessions = createSessions({ connection: person.connection, profile, clock });
  const named = flag ?? (env['BASTION_SESSION_MANAGER_PLUGIN'] || undefined);
  const command = named !== undefined ? [named] : isSimulated ? simulatedPlugin() : undefined;
  return createTunnels({
    ...{ sessions, clock, plugin: { env, command } },
    holdSignals: () => holdSignals(process),
  });
}

/** The stand-in that belongs to simulated AWS, run as this program is. */
function simulatedPlugin(): readonly string[] {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const path = fileURLToPath(new URL(`../simulated-plugin.${extension}`, import.meta.url));
  return [process.execPath, ...process.execArgv, path];
}
