import { ANNOTATION, type Bastion } from '../api/bastion.ts';
import type { IdleStore } from './connection.ts';

/** A Bastion that git owns is set back by the next sync, so that a change by hand had better be made there. */
export function sourceWarning(bastion: Bastion): string[] {
  return warn(bastion, (where) => `comes from ${where}; change it there, or the next sync sets it back.`);
}

/** What is closed by hand stays closed. */
export function suspendWarning(bastion: Bastion): string[] {
  return warn(
    bastion,
    (where) => `comes from ${where} and stays suspended until it is resumed or changed there.`,
  );
}

export function deleteWarning(bastion: Bastion): string[] {
  return warn(
    bastion,
    (where) => `comes from ${where} and stays away until it is changed there; delete it there as well.`,
  );
}

function warn({ metadata }: Bastion, say: (where: string) => string): string[] {
  const { name, annotations = {} } = metadata;
  const source = annotations[ANNOTATION.source];
  if (source === undefined) return [];
  const path = annotations[ANNOTATION.sourcePath];
  return [`Warning: bastions/${name} ${say(path === undefined ? source : `${source} (${path})`)}`];
}

/** Without a controller everything is only written down. */
export function idleWarning({ dataDir, isAbsent }: IdleStore): string {
  const where = isAbsent ? `${dataDir}, where nothing is stored yet` : dataDir;
  return `Warning: no controller is running on ${where}: start one (npm start) or name another with --data-dir`;
}
