import { Command, Option } from 'commander';
import { regionFault } from '../../core/region.ts';
import { formatDuration, parseDuration } from '../../machinery/duration.ts';
import type { ControllerOptions } from '../controller.ts';
import { isSchedule } from '../process/cron.ts';
import type { LogFormat } from '../telemetry/log.ts';
import type { ApiFlags } from './api-flags.ts';
import { DEFAULTS } from './defaults.ts';
import { UsageError } from './usage-error.ts';

/** A leader gives up a third of it early, which must be more than the grain of the clock that sees the machine sleep. */
const SHORTEST_LEASE_MS = 4_000;
/** A TTL is kept within 60 s when the leader dies. */
const LONGEST_LEASE_MS = 30_000;
const ANY_BOUNDARY = 'arn:aws:iam::{account}:policy/bastion-boundary';
const BOUNDARY = /^arn:aws(-us-gov)?:iam::(\{account\}|\d{12}|aws):policy\/[\x21-\x7e]+$/;

/** What the flags' defaults come from. */
export interface FlagSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the embedded store is, unless said otherwise. */
  readonly defaultDataDir: string;
  readonly version: string;
}

export function createProgram(surroundings: FlagSurroundings): Command {
  const program = new Command('bastion-controller')
    .description('Reconcile Bastions: create, repair and expire their AWS resources.')
    .version(surroundings.version, '--version', 'Print the version')
    .exitOverride();
  addWorld(program, surroundings);
  addLimits(program);
  addReplicas(program);
  addApi(program);
  addSchedules(program);
  return program;
}

/** Where things are, and where what is wanted comes from. */
function addWorld(program: Command, { env, defaultDataDir }: FlagSurroundings): void {
  program
    .option('--aws <where>', 'simulated, real, or the URL of simulated AWS', 'simulated')
    .option('--region <region>', 'Default region of Bastions', env['AWS_REGION'] ?? DEFAULTS.region)
    .option(
      '--data-dir <dir>',
      'Directory of the embedded store and git caches',
      env['BASTION_DATA_DIR'] ?? defaultDataDir,
    )
    .option('--table <name>', 'DynamoDB table to use instead of the embedded store')
    .option('--git <url[#ref][:path]>', 'Git source of manifests; repeatable', collect, [])
    .option(
      '--installation <id>',
      'Installation ID; separates controllers that share an account (a-z, 0-9, -; at most 16)',
      DEFAULTS.installation,
    )
    .option('--image <image>', 'Default image of Bastions', DEFAULTS.image)
    .option(
      '--config <file>',
      'Configuration file: accounts, regions, git sources, limits; reloaded when it changes',
    )
    .option(
      '--permissions-boundary <arn>',
      'Permissions boundary of the roles the controller creates; {account} stands for the account ID',
    );
}

function addLimits(program: Command): void {
  program
    .option('--max-ttl <duration>', 'Longest activation of a Bastion, renewals included', DEFAULTS.maxTtl)
    .option(
      '--shrink-limit <count>',
      'Number of unclaimed resources to delete without confirmation',
      String(DEFAULTS.shrinkLimit),
    );
}

function addReplicas(program: Command): void {
  program
    .option('--replicas <count>', 'Number of replicas to run on this machine; one leads', '1')
    .option(
      '--lease <duration>',
      'Duration of the leader lease (4s to 30s)',
      formatDuration(DEFAULTS.leaseMs),
    )
    .addOption(new Option('--replica <name>', 'Name of this replica').hideHelp());
}

function addApi(program: Command): void {
  program
    .option('--listen <host:port>', 'Address of the API; or none', DEFAULTS.listen)
    .option('--tls-cert <file>', 'PEM certificate of the API')
    .option('--tls-key <file>', 'PEM key of the API; clients on other machines need TLS and a token')
    .option('--token-file <file>', 'File of bearer tokens, one token[,user] a line')
    .option('--read-only', 'Reject writes through the API')
    .option(
      '--metrics-listen <host:port>',
      'Address of metrics, health and readiness; or none',
      DEFAULTS.metricsListen,
    );
}

function addSchedules(program: Command): void {
  program
    .option('--resync <cron>', 'Cron schedule of drift detection', '* * * * *')
    .option('--sweep <cron>', 'Cron schedule of full scans and garbage collection', '17 * * * *')
    .option('--git-poll <cron>', 'Cron schedule of git polls; SIGHUP polls at once', '*/15 * * * * *')
    .addOption(new Option('--log-format <format>', 'Log format').choices(['text', 'json']).default('text'));
}

export interface Flags extends ApiFlags {
  readonly aws: string;
  readonly region: string;
  readonly dataDir: string;
  readonly table?: string;
  readonly git: readonly string[];
  readonly installation: string;
  readonly image: string;
  readonly config?: string;
  readonly permissionsBoundary?: string;
  readonly metricsListen: string;
  readonly maxTtl: string;
  readonly shrinkLimit: string;
  readonly replicas: string;
  readonly lease: string;
  readonly replica?: string;
  readonly resync: string;
  readonly sweep: string;
  readonly gitPoll: string;
  readonly logFormat: LogFormat;
}

function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}

/** @throws UsageError naming the flag, what was found and what is allowed */
export function checkFlags(flags: Flags): Pick<ControllerOptions, 'maxTtlMs' | 'shrinkLimit' | 'leaseMs'> {
  const maxTtlMs = parseDuration(flags.maxTtl);
  if (maxTtlMs === undefined)
    throw new UsageError(`--max-ttl: found ${flags.maxTtl}, allowed: a duration such as 12h`);
  if (!/^[a-z]+(-[a-z]+)+-\d+$/.test(flags.region))
    throw new UsageError(`--region: found "${flags.region}", allowed: a region such as ${DEFAULTS.region}`);
  const fault = regionFault(flags.region);
  if (fault !== undefined) throw new UsageError(`--region: ${fault}`);
  const shrinkLimit = Number(flags.shrinkLimit);
  if (!/^\d{1,9}$/.test(flags.shrinkLimit)) {
    throw new UsageError(`--shrink-limit: found ${flags.shrinkLimit}, allowed: a whole number from 0`);
  }
  if (!/^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$/.test(flags.installation)) {
    throw new UsageError(`--installation: found ${flags.installation}, allowed: 1 to 16 of a-z, 0-9 and -`);
  }
  for (const [flag, expression] of [
    ['--resync', flags.resync],
    ['--sweep', flags.sweep],
    ['--git-poll', flags.gitPoll],
  ] as const) {
    if (!isSchedule(expression))
      throw new UsageError(`${flag}: "${expression}" is no cron expression, such as "*/5 * * * *"`);
  }
  if (!/^[1-9]$/.test(flags.replicas))
    throw new UsageError(`--replicas: found ${flags.replicas}, allowed: a whole number from 1 to 9`);
  if (!BOUNDARY.test(flags.permissionsBoundary ?? ANY_BOUNDARY)) {
    throw new UsageError(
      `--permissions-boundary: found ${flags.permissionsBoundary}, allowed: the ARN of a policy such as ${ANY_BOUNDARY}`,
    );
  }
  const leaseMs = parseDuration(flags.lease);
  if (leaseMs === undefined || leaseMs < SHORTEST_LEASE_MS || leaseMs > LONGEST_LEASE_MS)
    throw new UsageError(`--lease: found ${flags.lease}, allowed: a duration from 4s to 30s`);
  return { maxTtlMs, shrinkLimit, leaseMs };
}
