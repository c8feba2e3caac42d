import { ANNOTATION, type Bastion } from '../api/bastion.ts';
import type { IdleStore } from './connection.ts';

/** A Bastion that git owns is set back by the next sync, so that a change by hand had better be made there. */
export function sourceWarning({ metadata: { name, annotations = {} } }: Bastion): string[] {
  const source = annotations[ANNOTATION.source];
  if (source === undefined) return [];
  const path = annotations[ANNOTATION.sourcePath];
  const where = path === undefined ? source : `${source} (${path})`;
  return [`Warning: bastions/${name} comes from ${where}; change it there, or the next sync sets it back.`];
}

/** Without a controller everything is only written down. */
export function idleWarning({ dataDir, isAbsent }: IdleStore): string {
  const where = isAbsent ? `${dataDir}, where nothing is stored yet` : dataDir;
  return `Warning: no controller is running on ${where}: start one (npm start) or name another with --data-dir`;
}
