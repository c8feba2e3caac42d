import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backups } from '../cli/backups.ts';
import type { ConnectionOptions } from '../cli/connection.ts';
import type { Foundations } from '../cli/foundation.ts';
import type { CliIo, ProgramName } from '../cli/io.ts';
import { contextNamespace, kubeTarget, parseServer } from '../client/kube-context.ts';
import { type KubeconfigFile, parseKubeconfig } from '../client/kubeconfig.ts';
import { tokenIn } from '../client/token.ts';
import { DEFAULTS } from './config/defaults.ts';
import { readFlagFile } from './config/flag-file.ts';
import { UsageError } from './config/usage-error.ts';
import { type ConnectParts, dataDirOf } from './connect-parts.ts';
import { connectServer } from './connect-server.ts';
import { readAnnouncement } from './process/announcement.ts';

/** Where a command line finds its Bastions. */
type Places = Pick<
  CliIo,
  'connect' | 'foundations' | 'backups' | 'namespaceOf' | 'findServer' | 'kubeconfigFiles'
>;

export function placesOf(program: ProgramName, parts: ConnectParts): Places {
  const kubeconfigFiles = kubeconfigPaths(parts);
  const findServer: Places['findServer'] = (options) => serverOf(options, parts);
  const common = {
    kubeconfigFiles,
    findServer,
    foundations: foundationsOf(parts),
    backups: backupsOf(parts),
  };
  if (program === 'bastionctl') {
    const namespaceOf = async () => undefined;
    return { ...common, namespaceOf, connect: (options) => connect(options, parts) };
  }
  const read = ({ kubeconfig }: ConnectionOptions) =>
    readKubeconfig(kubeconfig === undefined ? kubeconfigFiles : [kubeconfig], kubeconfig !== undefined);
  return {
    ...common,
    namespaceOf: async (options) => contextNamespace(await read(options), options),
    connect: async (options) => {
      const target = await kubeTarget(await read(options), options, (path) => readFile(path, 'utf8'));
      return connectServer(target, parts, options);
    },
  };
}

/** AWS's SDK takes a second to load. */
function foundationsOf(parts: ConnectParts): Foundations {
  return {
    draw: async (options, account) =>
      (await import('./foundation.ts')).drawFoundation(options, parts, account),
    open: async (options) => (await import('./foundation.ts')).openFoundation(options, parts),
  };
}

function backupsOf(parts: ConnectParts): Backups {
  return {
    take: async (options) => (await import('./backups.ts')).take(options, parts),
    restore: async (options, text, tell) =>
      (await import('./backups.ts')).putBack(options, parts, text, tell),
    migrate: async (options, to) => (await import('./backups.ts')).migrate(options, parts, to),
  };
}

/** As kubectl finds them. */
function kubeconfigPaths({ env, homeDir }: ConnectParts): readonly string[] {
  const named = (env['KUBECONFIG'] ?? '').split(process.platform === 'win32' ? ';' : ':');
  const paths = named.filter((path) => path !== '');
  return paths.length > 0 ? paths : [join(homeDir, '.kube', 'config')];
}

/** Those that exist. @throws UsageError when one that was named cannot be read */
async function readKubeconfig(
  paths: readonly string[],
  isNamed: boolean,
): Promise<readonly KubeconfigFile[]> {
  const files = await Promise.all(
    paths.map(async (path) => {
      try {
        return parseKubeconfig(path, await readFile(path, 'utf8'));
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code === 'ENOENT' && !isNamed) return undefined;
        if (code === undefined) throw error;
        throw new UsageError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
      }
    }),
  );
  return files.filter((file) => file !== undefined);
}

/** With a server, --aws says which AWS this person's own sessions go to. */
const STORE_FLAGS = { table: '--table', dataDir: '--data-dir' } as const;

/** A server that is named, or the store. @throws UsageError when both are */
async function connect(
  options: ConnectionOptions,
  parts: ConnectParts,
): Promise<ReturnType<typeof connectServer>> {
  const flags = Object.entries(STORE_FLAGS).filter(
    ([name]) => options[name as keyof typeof STORE_FLAGS] !== undefined,
  );
  const named = options.server ?? (flags.length > 0 ? undefined : parts.env['BASTION_SERVER'] || undefined);
  const [flag] = flags;
  // AWS's SDK takes a second to load: who asks a server does not wait for it.
  if (named === undefined) return (await import('./connect-store.ts')).connectStore(options, parts);
  if (flag) throw new UsageError(`--server and ${flag[1]} name two places: leave one of them out`);
  const { tokenFile, certificateAuthority } = options;
  const token =
    tokenFile === undefined ? undefined : tokenIn(await readFlagFile('--token-file', tokenFile), tokenFile);
  const ca =
    certificateAuthority === undefined
      ? undefined
      : await readFlagFile('--certificate-authority', certificateAuthority);
  const server = parseServer(named);
  if (token !== undefined && server.protocol !== 'https:')
    throw new UsageError(
      '--token-file: a token is sent over TLS only: name an https server, or leave it out',
    );
  return connectServer({ server, token, ...(ca === undefined ? {} : { tls: { ca } }) }, parts, options);
}

async function serverOf(options: ConnectionOptions, parts: ConnectParts): Promise<URL> {
  const named = options.server ?? (parts.env['BASTION_SERVER'] || undefined);
  const running = named === undefined ? await readAnnouncement(dataDirOf(options, parts)) : undefined;
  return parseServer(named ?? running?.api ?? `http://${DEFAULTS.listen}`);
}
