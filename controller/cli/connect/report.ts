import type { SessionError } from '../../api/session.ts';
import type { Target } from '../../api/target.ts';
import { formatDuration } from '../../machinery/duration.ts';
import { formatRemaining } from '../../machinery/relative-time.ts';
import { parseRfc3339 } from '../../machinery/rfc3339.ts';
import { clientLine, LOCAL_HOST } from '../client-line.ts';
import { hintLines, writeLines } from '../failure.ts';
import type { CliIo } from '../io.ts';

/** What happens while somebody connects and is connected. */
export type ConnectEvent =
  | { readonly type: 'ready'; readonly name: string; readonly expiresAt: string | undefined }
  | {
      readonly type: 'opened';
      readonly target: Target;
      readonly localPort: number;
      readonly expiresAt: string | undefined;
    }
  | { readonly type: 'shell'; readonly name: string; readonly expiresAt: string | undefined }
  | { readonly type: 'warning'; readonly message: string; readonly hint: string }
  | { readonly type: 'renewed'; readonly name: string; readonly expiresAt: string }
  | { readonly type: 'dropped'; readonly target: string; readonly why: string; readonly retryInMs: number }
  | { readonly type: 'rested'; readonly target: string; readonly why: string }
  | { readonly type: 'reconnected'; readonly target: string }
  | { readonly type: 'refused'; readonly target: string; readonly error: SessionError }
  | { readonly type: 'ended'; readonly reason: string; readonly message: string; readonly hint?: string };

export type Report = (event: ConnectEvent) => void;

export interface ReportOptions {
  readonly isJson: boolean;
  /** Standard output belongs to a command. */
  readonly isQuiet: boolean;
}

export function createReport(io: CliIo, { isJson, isQuiet }: ReportOptions): Report {
  const out = isQuiet ? io.stderr : io.stdout;
  if (isJson) return (event) => out.write(`${JSON.stringify(recordOf(event))}\n`);
  return (event) => {
    const isNews = event.type === 'ready' || event.type === 'opened' || event.type === 'shell';
    writeLines(isNews ? out : io.stderr, linesOf(event, io));
  };
}

/** As programs read it: flat, and with nothing that is only for people's eyes. */
function recordOf(event: ConnectEvent): object {
  if (event.type === 'opened') {
    const { target, localPort, expiresAt } = event;
    const { name, host, port } = target;
    return { type: event.type, target: name, host, port, localPort, expiresAt };
  }
  if (event.type !== 'refused') return event;
  const { failure, message, hint } = event.error;
  return { type: 'refused', target: event.target, reason: failure, message, hint };
}

function linesOf(event: ConnectEvent, io: CliIo): string[] {
  const now = io.clock.now();
  switch (event.type) {
    case 'ready':
      return [`bastion/${event.name} is ready${until(event.expiresAt, now)}`];
    case 'opened': {
      const { name, host, port } = event.target;
      const where = `${LOCAL_HOST}:${event.localPort}`;
      const line = clientLine(event.target, event.localPort);
      return [`${name}: ${where} -> ${host}:${port}`, ...(line === where ? [] : [`  ${line}`])];
    }
    case 'shell':
      return [`a shell in bastion/${event.name}${until(event.expiresAt, now)}; exit leaves it`];
    case 'renewed':
      return [`bastion/${event.name} was renewed${until(event.expiresAt, now)}`];
    case 'warning':
      return [`Warning: ${event.message}`, ...hintLines(event.hint, io.program)];
    case 'dropped':
      return [
        `${event.target}: the session dropped (${event.why}); trying again in ${formatDuration(Math.ceil(event.retryInMs / 1000) * 1000)}`,
      ];
    case 'rested':
      return [
        `${event.target}: the session ended while nobody used it (${event.why}); the next connection opens another one`,
      ];
    case 'reconnected':
      return [`${event.target}: connected again`];
    case 'refused':
      return [`Warning: ${event.target}: ${event.error.message}`, ...hintLines(event.error.hint, io.program)];
    case 'ended':
      return [event.message, ...hintLines(event.hint, io.program)];
  }
}

/** `, open until 14:30 (1h59m left)` in the time of this machine. */
function until(expiresAt: string | undefined, now: number): string {
  const end = expiresAt === undefined ? undefined : parseRfc3339(expiresAt);
  if (end === undefined) return '';
  return `, open until ${localTime(end, now)} (${formatRemaining(Math.max(0, end - now))} left)`;
}

/** `14:30`, with its day where that is not today. */
function localTime(at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)];
  const two = (value: number) => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (date.toDateString() === today.toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}
