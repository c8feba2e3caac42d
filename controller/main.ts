#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import type { AwsWorld } from './app/aws.ts';
import { readApiFlags } from './app/config/api-flags.ts';
import { checkFlags, createProgram, type Flags } from './app/config/controller-flags.ts';
import { DEFAULTS } from './app/config/defaults.ts';
import { metricsOfReplica, readMetricsFlag } from './app/config/metrics-flags.ts';
import { type ControllerOptions, startController } from './app/controller.ts';
import { greeting } from './app/greeting.ts';
import { openHost } from './app/host.ts';
import { systemClock } from './app/process/clock.ts';
import { endWithReader } from './app/process/closed-pipe.ts';
import { launchProgram, startReplicas } from './app/process/replicas.ts';
import { stopInTime, stopRequests } from './app/process/stop.ts';
import { createLog } from './app/telemetry/log.ts';
import { logSink } from './app/telemetry/log-sink.ts';
import { takeLines } from './app/telemetry/node-lines.ts';
import { quietLog } from './app/telemetry/quiet-log.ts';
import { readVersion } from './app/version.ts';
import type { Clock } from './machinery/clock.ts';
import { oneLine, visible } from './machinery/text.ts';

// The SDK's note about Node versions is for us, not for those who run the controller.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

endWithReader();

const DEFAULT_DATA_DIR = join(homedir(), DEFAULTS.dataDirName);

const program = createProgram({
  env: process.env,
  defaultDataDir: DEFAULT_DATA_DIR,
  version: readVersion(),
}).configureOutput({ writeErr: (text) => process.stderr.write(visible(text)) });

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
  const sink = logSink(process.stderr, (lost) =>
    plain('warn', 'the log could not be written for a while', { ...lost }),
  );
  const plain = createLog(clock, flags.logFormat, sink);
  const named: typeof plain = (level, message, fields) => plain(level, message, { replica, ...fields });
  const loud = replica === undefined ? plain : named;
  const { log, end: endLog } = quietLog(loud, clock);
  takeLines(console, process, (level, said) => log(level, 'a library says', { said }));
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
  endLog();
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
  const hurry = await untilStopped(options.clock, { hasKeeper: flags.replica !== undefined });
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
  await untilStopped(options.clock, { hasKeeper: false });
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
  const text = greeting({ ...flags, defaultDataDir: DEFAULT_DATA_DIR, ...more, replicas }, aws);
  process.stdout.write(visible(text));
}

/**
 * By a signal, or because the process is gone that looks after this one.
 * @returns what aborts when somebody asks again
 */
function untilStopped(clock: Clock, { hasKeeper }: { readonly hasKeeper: boolean }): Promise<AbortSignal> {
  return new Promise((resolve) => {
    const stop = stopRequests(clock, resolve);
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
    process.stderr.write(`error: ${oneLine(text)}\n`);
    process.exitCode = 1;
  }
}
