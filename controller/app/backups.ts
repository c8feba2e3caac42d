import type { Version } from '../api/versions.ts';
import type { Backups } from '../cli/backups.ts';
import type { ConnectionOptions } from '../cli/connection.ts';
import { rfc3339 } from '../machinery/clock.ts';
import { findHolder } from '../reconcile/holder.ts';
import { NotEmptyError, restore } from '../reconcile/restore.ts';
import { refuseUnfinishedRestore } from '../reconcile/restore-mark.ts';
import { createFacade } from '../server/facade.ts';
import { type Backup, BackupError, formatBackup, parseBackup, takeBackup } from '../store/backup.ts';
import { migrateVersions } from '../store/versions.ts';
import { connectionTo } from './aws.ts';
import { DEFAULTS } from './config/defaults.ts';
import { UsageError } from './config/usage-error.ts';
import { type ConnectParts, dataDirOf } from './connect-parts.ts';
import { readAnnouncement } from './process/announcement.ts';
import { hasStore } from './process/data-dir.ts';
import { type OpenStore, openAnyVersion, openStore } from './store.ts';

/** @throws UsageError, StoreUnavailableError */
export async function take(options: ConnectionOptions, parts: ConnectParts): ReturnType<Backups['take']> {
  const { store, close } = await open(options, parts, false);
  try {
    await refuseUnfinishedRestore(store);
    const backup = await takeBackup(store, parts.clock);
    return { text: formatBackup(backup), bastions: countBastions(backup) };
  } finally {
    await close();
  }
}

/** @throws UsageError, StoreUnavailableError */
export async function putBack(
  options: ConnectionOptions,
  parts: ConnectParts,
  text: string,
  tell: (what: string) => void,
): ReturnType<Backups['restore']> {
  const { clock, newId } = parts;
  const backup = parse(text);
  const { store, close } = await open(options, parts, true);
  try {
    const refuseLeader = async () => {
      const wait = (name: string) =>
        tell(`controller ${name} led last: waiting to see whether it still does`);
      const holder = await findHolder({ store, clock, tell: wait });
      if (holder !== undefined)
        throw new UsageError(`controller ${holder} leads on this store: stop all controllers of it first`);
    };
    await refuseLeader();
    const api = createFacade({ store, clock, newUid: newId, fieldManager: 'bastionctl' });
    await restore({ store, api, clock, backup, refuseLeader });
    return { takenAt: backup.takenAt, bastions: countBastions(backup) };
  } catch (error) {
    if (!(error instanceof NotEmptyError)) throw error;
    throw new UsageError(`${error.message}; restore into a new table, or another --data-dir`, {
      cause: error,
    });
  } finally {
    await close();
  }
}

/** @throws UsageError, StoreUnavailableError */
export async function migrate(options: ConnectionOptions, parts: ConnectParts, to: Version): Promise<number> {
  const { store, close } = await open(options, parts, false, openAnyVersion);
  try {
    return await migrateVersions(store, to, rfc3339(parts.clock.now()));
  } finally {
    await close();
  }
}

function parse(text: string): Backup {
  try {
    return parseBackup(text);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    throw new UsageError(`this is no whole backup: ${error.message}`, { cause: error });
  }
}

function countBastions({ entries }: Backup): number {
  return entries.filter(({ collection }) => collection === 'bastions').length;
}

async function open(
  options: ConnectionOptions,
  parts: ConnectParts,
  mayCreate: boolean,
  openIt = openStore,
): Promise<OpenStore> {
  const { env, clock, newId } = parts;
  const { table, server, aws } = options;
  if (server !== undefined)
    throw new UsageError('the store itself is needed: name it with --table or --data-dir, not a --server');
  const dataDir = dataDirOf(options, parts);
  const running = await readAnnouncement(dataDir);
  if (table === undefined && !mayCreate && !(await hasStore(dataDir)))
    throw new UsageError(`${dataDir} holds no store; name another with --data-dir, or a --table`);
  const region = options.region ?? running?.region ?? env['AWS_REGION'] ?? DEFAULTS.region;
  const where = aws ?? running?.aws ?? 'simulated';
  const connection = where === 'simulated' ? undefined : connectionTo(where);
  return openIt({ table, dataDir, region, clock, newId, connection });
}
