import type { GuardNews } from '../api/guard-record.ts';
import type { Log } from './manager.ts';

/** Says what has become of guards: each once, since polls that find the same again bring no news. */
export function logGuards(log: Log, news: readonly GuardNews[]): void {
  for (const { guard, change, reason, message } of news) {
    const level = change === 'tripped' || change === 'refused' ? 'warn' : 'info';
    log(level, `guard ${change}`, { guard, reason, message });
  }
}
