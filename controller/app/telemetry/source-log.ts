import { Fenced } from '../../api/fence.ts';
import { explain } from '../../aws/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Clock } from '../../machinery/clock.ts';
import { logGuards } from '../../reconcile/guard-log.ts';
import type { GitSource, SyncReport } from '../../sources/git.ts';
import { StoppedError } from '../../sources/git-process.ts';
import { parseGitSpec } from '../../sources/git-spec.ts';

/** What stands in the way of a source is said again after this. */
const REMIND_MS = 3_600_000;

interface Trouble {
  /** The same trouble has the same key, though it may be put in other words. */
  readonly key: string;
  readonly level: 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface SourceLogOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each look, and how it stands; `failed` where the look itself failed. */
  readonly onSync?: ((source: string, state: string) => void) | undefined;
}

/** Syncs a source and says what is new about it; polls that find the same again are silent. */
export function createSourceLog({ clock, log, onSync }: SourceLogOptions) {
  let said = new Map<string, number>();
  const tell = (troubles: readonly Trouble[]) => {
    const now = clock.now();
    const before = said;
    said = new Map();
    for (const { key, level, message, fields } of troubles) {
      const last = before.get(key);
      const isNews = last === undefined || now - last >= REMIND_MS;
      if (isNews && !said.has(key)) log(level, message, fields);
      said.set(key, isNews ? now : last);
    }
  };
  return async (source: GitSource): Promise<void> => {
    try {
      const report = await source.sync();
      onSync?.(report.source, report.state);
      logGuards(log, report.news);
      const wasWell = said.size === 0;
      const troubles = troublesOf(source, report);
      const changes = changesOf(report);
      const isWellAgain = !wasWell && troubles.length === 0;
      if (changes !== undefined || isWellAgain)
        log('info', 'source synced', { ...headOf(report), ...changes });
      for (const note of report.notes ?? []) log('info', note, headOf(report));
      tell(troubles);
    } catch (error) {
      // The replica that leads now looks for itself.
      if (error instanceof Fenced || error instanceof StoppedError) return;
      onSync?.(source.display, 'failed');
      const fields = { source: source.display, error: explain(error) };
      tell([{ key: 'failed', level: 'error', message: 'source failed', fields }]);
    }
  };
}

function headOf({ source, state, commit }: SyncReport) {
  return { source, state, commit: commit?.slice(0, 12) };
}

/** Undefined when there were none. */
function changesOf({ created, updated, deleted }: SyncReport) {
  if (created.length + updated.length + deleted.length === 0) return undefined;
  return { created: created.length, updated: updated.length, deleted: deleted.length };
}

function troublesOf({ display }: GitSource, report: SyncReport): Trouble[] {
  const { state, message, commit, problems } = report;
  const level = 'warn';
  const troubles: Trouble[] = [];
  if (state !== 'synced') {
    const fields = { ...headOf(report), error: message };
    troubles.push({ key: `${state} ${commit}`, level, message: 'source not synced', fields });
  } else if (isBare(report)) {
    const error = `no manifest under ${parseGitSpec(display).path || 'the root'} at ${commit?.slice(0, 12)}`;
    troubles.push({ key: error, level, message: 'source is empty', fields: { source: display, error } });
  }
  for (const { message: error, path } of problems) {
    // Why the whole source is not synced is among its problems, too.
    if (error === message) continue;
    const fields = { source: display, path, error };
    troubles.push({ key: `${path} ${error}`, level, message: 'manifest problem', fields });
  }
  return troubles;
}

function isBare({ created, updated, deleted, unchanged, problems }: SyncReport): boolean {
  return [created, updated, deleted, unchanged, problems].every(({ length }) => length === 0);
}
