import type { Doctor } from '../api/finding.ts';
import { SessionError } from '../api/session.ts';
import { usualBoundary } from '../core/foundation-objects.ts';
import type { PluginState } from '../doctor/picture.ts';
import type { Clock } from '../machinery/clock.ts';
import { type Env, findPlugin } from '../tunnel/plugin.ts';
import { DEFAULTS } from './config/defaults.ts';
import type { Person } from './person.ts';
import type { Announcement } from './process/announcement.ts';

export interface DoctorParts {
  readonly person: Person;
  readonly clock: Clock;
  readonly env: Env;
  /** The plugin, instead of the one that is installed. */
  readonly plugin?: string | undefined;
  /** Of the controller, where it tells. */
  readonly told?: Pick<Announcement, 'image' | 'maxTtlMs' | 'permissionsBoundary'> | undefined;
}

/** A doctor with the person's own credentials. AWS's SDK is loaded with the first examination. */
export function openDoctor(parts: DoctorParts): Doctor {
  const { person, clock } = parts;
  const { image, maxTtlMs } = parts.told ?? DEFAULTS;
  const open = async () => {
    const [{ createDoctor }, { connect }, { readCaller }] = await Promise.all([
      import('../doctor/doctor.ts'),
      import('../aws/clients.ts'),
      import('../aws/caller.ts'),
    ]);
    return createDoctor({
      connect: async (region) => {
        const { connection, accountId } = await person.aws();
        const { installation } = await person.about();
        return connect({ connection, clock, scope: { accountId, region, installation } })();
      },
      readCaller: async (region) => readCaller(await person.connection(), region),
      findPlugin: () => pluginOf(parts),
      settings: async () => {
        const { installation, region } = await person.about();
        // Where the controller does not tell, it is taken to be started as the stacks start it.
        const { permissionsBoundary } = parts.told ?? { permissionsBoundary: usualBoundary(region) };
        return { installation, image, maxTtlMs, permissionsBoundary };
      },
      defaultRegion: async () => (await person.about()).region,
      clock,
    });
  };
  return { examine: async (request, onProgress) => (await open()).examine(request, onProgress) };
}

async function pluginOf({ person, clock, env, plugin }: DoctorParts): Promise<PluginState> {
  // Simulated AWS brings a plugin of its own.
  if (plugin === undefined && (await person.isSimulated())) return { ok: true, version: 'of simulated AWS' };
  try {
    const command = plugin === undefined ? {} : { command: [plugin] };
    return { ok: true, version: (await findPlugin(clock, { env, ...command })).version };
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    return { ok: false, found: error.message, fix: error.hint };
  }
}
