#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { validate as isCron } from 'node-cron';
import { formatDuration, parseDuration } from './api/duration.ts';
import { regionFault } from './core/region.ts';
import { type ApiFlags, readApiFlags } from './shell/api-flags.ts';
import type { AwsWorld } from './shell/aws.ts';
import { systemClock } from './shell/clock.ts';
import { type ControllerOptions, startController } from './shell/controller.ts';
import { DEFAULTS } from './shell/defaults.ts';
import { greeting } from './shell/greeting.ts';
import { openHost } from './shell/host.ts';
import { createLog, type LogFormat } from './shell/log.ts';
import { launchProgram, startReplicas } from './shell/replicas.ts';
import { UsageError } from './shell/usage-error.ts';
import { readVersion } from './shell/version.ts';

// The SDK's note about Node versions is for us, not for those who run the controller.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** A leader gives up a third of it early, which must be more than the grain of the clock that sees the machine sleep. */
const SHORTEST_LEASE_MS = 4_000;
/** A TTL is kept within 60 s when the leader dies. */
const LONGEST_LEASE_MS = 30_000;
const DEFAULT_DATA_DIR = join(homedir(), DEFAULTS.dataDirName);

const program = new Command('bastion-controller')
  .description('Opens, keeps and ends the bastions that Bastion manifests ask for.')
  .option('--aws <where>', 'simulated, real, or the URL of a simulated AWS', 'simulated')
  .option(
    '--region <region>',
    'region of Bastions that name none',
    process.env['AWS_REGION'] ?? DEFAULTS.region,
  )
  .option(
    '--data-dir <dir>',
    'embedded store and git caches',
    process.env['BASTION_DATA_DIR'] ?? DEFAULT_DATA_DIR,
  )
  .option('--table <name>', 'DynamoDB table to use instead of the embedded store')
  .option('--git <url[#ref][:path]>', 'git source of manifests; may be given more than once', collect, [])
  .option(
    '--installation <id>',
    'tells apart several controllers in one account: a-z, 0-9, -, at most 16',
    DEFAULTS.installation,
  )
  .option('--image <image>', 'image of Bastions that name none', DEFAULTS.image)
  .option('--max-ttl <duration>', 'longest life of one activation, renewals included', DEFAULTS.maxTtl)
  .option(
    '--shrink-limit <count>',
    'how many resources that nobody claims may go without a confirmation',
    String(DEFAULTS.shrinkLimit),
  )
  .option('--replicas <count>', 'how many controllers to run here: one leads, the others stand by', '1')
  .option(
    '--lease <duration>',
    'how long a silent leader is waited for before another one takes over: 4s to 30s',
    formatDuration(DEFAULTS.leaseMs),
  )
  .option('--listen <host:port>', 'where to serve the API to kubectl and others; or none', DEFAULTS.listen)
  .option('--tls-cert <file>', 'certificate of the API, in PEM')
  .option('--tls-key <file>', "its key; other machines' clients need TLS and a token")
  .option('--token-file <file>', 'who may use the API: lines of token[,user]')
  .option('--read-only', 'let nothing be changed through the API')
  .addOption(new Option('--replica <name>', 'which of the replicas of another process this is').hideHelp())
  .option('--resync <cron>', 'when to look for drift', '* * * * *')
  .option('--sweep <cron>', 'when to look at everything, and to tidy', '17 * * * *')
  .option('--git-poll <cron>', 'when to look at the git sources; SIGHUP looks at once', '*/15 * * * * *')
  .addOption(
    new Option('--log-format <format>', 'how to write the log').choices(['text', 'json']).default('text'),
  )
  .version(readVersion(), '--version', 'show the version')
  .exitOverride();

interface Flags extends ApiFlags {
  readonly aws: string;
  readonly region: string;
  readonly dataDir: string;
  readonly table?: string;
  readonly git: readonly string[];
  readonly installation: string;
  readonly image: string;
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
function checkFlags(flags: Flags): Pick<ControllerOptions, 'maxTtlMs' | 'shrinkLimit' | 'leaseMs'> {
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
    if (!isCron(expression))
      throw new UsageError(`${flag}: "${expression}" is no cron expression, such as "*/5 * * * *"`);
  }
  if (!/^[1-9]$/.test(flags.replicas))
    throw new UsageError(`--replicas: found ${flags.replicas}, allowed: a whole number from 1 to 9`);
  const leaseMs = parseDuration(flags.lease);
  if (leaseMs === undefined || leaseMs < SHORTEST_LEASE_MS || leaseMs > LONGEST_LEASE_MS)
    throw new UsageError(`--lease: found ${flags.lease}, allowed: a duration from 4s to 30s`);
  return { maxTtlMs, shrinkLimit, leaseMs };
}

/** What SIGHUP asks for. Before there are sources nothing is missed: they are looked at when they come. */
let lookNow = (): void => undefined;

async function run(flags: Flags): Promise<void> {
  process.on('SIGHUP', () => lookNow());
  const checked = checkFlags(flags);
  const clock = systemClock();
  const { replica } = flags;
  const plain = createLog(clock, flags.logFormat, (line) => process.stderr.write(line));
  const named: typeof plain = (level, message, fields) => plain(level, message, { replica, ...fields });
  const log = replica === undefined ? plain : named;
  const options: ControllerOptions = {
    ...flags,
    ...checked,
    resyncSchedule: flags.resync,
    sweepSchedule: flags.sweep,
    gitSchedule: flags.gitPoll,
    http: await readApiFlags(flags, {
      isChosen: program.getOptionValueSource('listen') !== 'default',
      version: readVersion(),
    }),
    env: process.env,
    clock,
    newId: randomUUID,
    log,
  };
  await (flags.replicas === '1' ? runOne(flags, options) : runSeveral(flags, options));
  log('info', 'stopped');
  // A git that hangs must not keep the process.
  process.exit();
}

async function runOne(flags: Flags, options: ControllerOptions): Promise<void> {
  const { leader, aws, url, ...controller } = await startController(options);
  if (flags.replica === undefined) greet(flags, aws, { leader, url });
  lookNow = () => void controller.syncSources();
  await untilStopped({ hasKeeper: flags.replica !== undefined });
  options.log('info', 'stopping');
  await controller.stop();
}

/** This process keeps what they share, and looks after them. */
async function runSeveral(flags: Flags, options: ControllerOptions): Promise<void> {
  const host = await openHost(options);
  if (host.world) greet(flags, host.world, { url: host.url });
  const [, script = '', ...args] = process.argv;
  // The last of several is the one that counts.
  const own = (name: string) => {
    return [...args, '--replicas', '1', '--replica', name, '--aws', host.aws, '--listen', 'none'];
  };
  const replicas = startReplicas({
    ...{ count: Number(flags.replicas), clock: options.clock, log: options.log },
    launch: (replica) =>
      launchProgram(script, own(replica), process.env, ({ message }) =>
        options.log('warn', 'cannot signal a replica', { replica, error: message }),
      ),
  });
  lookNow = () => replicas.signal('SIGHUP');
  await untilStopped({ hasKeeper: false });
  options.log('info', 'stopping');
  await replicas.stop();
  await host.close();
}

function greet(
  flags: Flags,
  aws: AwsWorld,
  more: { readonly leader?: number | undefined; readonly url: string | undefined },
): void {
  if (flags.logFormat !== 'text') return;
  const replicas = Number(flags.replicas);
  process.stdout.write(greeting({ ...flags, defaultDataDir: DEFAULT_DATA_DIR, ...more, replicas }, aws));
}

/** By a signal, or because the process is gone that looks after this one. */
function untilStopped({ hasKeeper }: { readonly hasKeeper: boolean }): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    if (!hasKeeper) return;
    process.once('disconnect', () => resolve());
    if (!process.connected) resolve();
  });
}

try {
  program.parse();
  await run(program.opts<Flags>());
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(`error: ${text.replace(/\s*\n\s*/g, ' ')}\n`);
    process.exitCode = 1;
  }
}
