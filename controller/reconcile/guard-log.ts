import type { GuardNews } from '../api/guard-record.ts';
import type { Log } from '../core/log.ts';

const MESSAGES: Readonly<Record<GuardNews['change'], string>> = {
  tripped: 'guard tripped',
  refused: 'guard refused',
  confirmed: 'guard confirmed',
  cleared: 'guard cleared',
};

/** Says what has become of guards: each once, since polls that find the same again bring no news. */
export function logGuards(log: Log, news: readonly GuardNews[]): void {
  for (const { guard, change, reason, message } of news) {
    const level = change === 'tripped' || change === 'refused' ? 'warn' : 'info';
    log(level, MESSAGES[change], { guard, reason, message });
  }
}
