import type { Command } from 'commander';
import { Option } from 'commander';
import { formatDuration, parseDuration } from '../machinery/duration.ts';
import { CliError } from './failure.ts';

/** kubectl's flags whose value can only follow an equals sign, and what they mean without one. */
const BARE_VALUES: Readonly<Record<string, string>> = { '--dry-run': 'client', '--wait': 'true' };

const BOOLEAN =
  /^(--(?:watch|watch-only|all|all-namespaces|no-headers|recursive|ignore-not-found|detailed-exitcode|show-managed-fields)|-[wAR])=(true|false)$/;

const SHORT_WITH_EQUALS = /^-([fonl])=(.*)$/s;

/** Rewrites what kubectl allows and commander does not: bare `--dry-run` and `--wait`, `--watch=false`, `-o=name`. */
export function normalizeFlags(given: readonly string[]): string[] {
  const argv = withExec(given);
  const end = argv.indexOf('--');
  const flags = end === -1 ? argv : argv.slice(0, end);
  const rest = end === -1 ? [] : argv.slice(end);
  const normal = flags.flatMap((word) => {
    const [, name = '', value] = BOOLEAN.exec(word) ?? [];
    if (value !== undefined) return value === 'true' ? [name] : [];
    const short = SHORT_WITH_EQUALS.exec(word);
    if (short) return [`-${short[1]}`, short[2] ?? ''];
    const bare = BARE_VALUES[word];
    return [bare === undefined ? word : `${word}=${bare}`];
  });
  return [...normal, ...rest];
}

/** All words after `--exec`, or after `--`, are one command's own, as `--exec=` and JSON: commander would look for flags of ours in them. */
function withExec(argv: readonly string[]): readonly string[] {
  const verb = argv.indexOf('connect');
  const end = argv.findIndex((word) => word === '--exec' || word === '--');
  if (verb === -1 || end < verb) return argv;
  const words = argv.slice(end + 1);
  const own = words[0] === '--' && argv[end] === '--exec' ? words.slice(1) : words;
  return [...argv.slice(0, end), `--exec=${JSON.stringify(own)}`];
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...value.split(',').filter((part) => part !== '')];
}

export function addFilename(command: Command, description: string): Command {
  return command
    .addOption(new Option('-f, --filename <path>', description).argParser(collect))
    .option('-R, --recursive', 'Process directories recursively');
}

export type DryRun = 'none' | 'client' | 'server';

export function dryRunOption(): Option {
  return new Option('--dry-run <mode>', 'Check and print the result without changing anything')
    .choices(['none', 'client', 'server'])
    .default('none');
}

/** What kubectl adds to a message when nothing was changed. */
export const DRY_RUN_SUFFIX: Readonly<Record<DryRun, string>> = {
  none: '',
  client: ' (dry run)',
  server: ' (server dry run)',
};

export function timeoutOption(description: string, defaultMs: number): Option {
  return new Option('--timeout <duration>', description)
    .argParser(parseTimeout)
    .default(defaultMs, formatDuration(defaultMs));
}

/** Milliseconds of a flag such as `--timeout=90s`; a bare number counts seconds. @throws CliError */
function parseTimeout(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const amount = text.replace(/^-/, '');
  const durationMs = /^\d+$/.test(amount) ? Number(amount) * 1000 : parseDuration(amount);
  if (durationMs === undefined) {
    throw new CliError(`invalid --timeout "${text}", allowed: a duration such as 30s, 5m or 1h`);
  }
  return sign * durationMs;
}
