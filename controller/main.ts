#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { readApiFlags } from './shell/api-flags.ts';
import type { AwsWorld } from './shell/aws.ts';
import { systemClock } from './shell/clock.ts';
import { endWithReader } from './shell/closed-pipe.ts';
import { type ControllerOptions, startController } from './shell/controller.ts';
import { checkFlags, createProgram, type Flags } from './shell/controller-flags.ts';
import { DEFAULTS } from './shell/defaults.ts';
import { greeting } from './shell/greeting.ts';
import { openHost } from './shell/host.ts';
import { createLog } from './shell/log.ts';
import { metricsOfReplica, readMetricsFlag } from './shell/metrics-flags.ts';
import { launchProgram, startReplicas } from './shell/replicas.ts';
import { stopInTime } from './shell/stop.ts';
import { readVersion } from './shell/version.ts';

// The SDK's note about Node versions is for us, not for those who run the controller.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

endWithReader();

const DEFAULT_DATA_DIR = join(homedir(), DEFAULTS.dataDirName);

const program = createProgram({
  env: process.env,
  defaultDataDir: DEFAULT_DATA_DIR,
  version: readVersion(),
});

/** What SIGUSR2 asks for. */
let dumpNow = (): void => undefined;
/** What SIGHUP asks for. Before there are sources nothing is missed: they are looked at when they come. */
let lookNow = (): void => undefined;

async function run(flags: Flags): Promise<void> {
  process.on('SIGHUP', () => lookNow());
  process.on('SIGUSR2', () => dumpNow());
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
    metrics: readMetricsFlag(
      flags,
      // Those of replicas were chosen for them.
      flags.replica === undefined && program.getOptionValueSource('metricsListen') !== 'default',
    ),
    version: readVersion(),
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
  dumpNow = () => {
    controller.dump().then(
      (file) => options.log('info', 'dumped', { file }),
      (error: Error) => options.log('error', 'cannot dump', { error: error.message }),
    );
  };
  const hurry = await untilStopped({ hasKeeper: flags.replica !== undefined });
  options.log('info', 'stopping');
  await stopInTime(() => controller.stop(hurry), options);
}

/** This process keeps what they share, and looks after them. */
async function runSeveral(flags: Flags, options: ControllerOptions): Promise<void> {
  const host = await openHost(options);
  if (host.world) greet(flags, host.world, { url: host.url });
  const [, script = '', ...args] = process.argv;
  // The last of several is the one that counts.
  const own = (name: string) => {
    const metrics = ['--metrics-listen', metricsOfReplica(flags, name)];
    return [...args, '--replicas', '1', '--replica', name, '--aws', host.aws, '--listen', 'none', ...metrics];
  };
  const replicas = startReplicas({
    ...{ count: Number(flags.replicas), clock: options.clock, log: options.log },
    launch: (replica) =>
      launchProgram(script, own(replica), process.env, ({ message }) =>
        options.log('warn', 'cannot signal a replica', { replica, error: message }),
      ),
  });
  lookNow = () => replicas.signal('SIGHUP');
  dumpNow = () => replicas.signal('SIGUSR2');
  await untilStopped({ hasKeeper: false });
  options.log('info', 'stopping');
  await replicas.stop();
  await stopInTime(host.close, options);
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

/**
 * By a signal, or because the process is gone that looks after this one.
 * @returns what aborts at the next signal: a service manager sends one to a replica, and so does the process that keeps it
 */
function untilStopped({ hasKeeper }: { readonly hasKeeper: boolean }): Promise<AbortSignal> {
  const hurry = new AbortController();
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = () => {
      if (isStopping) hurry.abort();
      isStopping = true;
      resolve(hurry.signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
    if (!hasKeeper) return;
    process.once('disconnect', stop);
    if (!process.connected) stop();
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
