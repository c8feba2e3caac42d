#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Command, CommanderError } from 'commander';
import { type RunningController, startController } from './app/controller.ts';
import { systemClock } from './app/process/clock.ts';
import { endWithReader } from './app/process/closed-pipe.ts';
import { checkedOutput } from './app/process/output.ts';
import { createLog } from './app/telemetry/log.ts';
import { readVersion } from './app/version.ts';
import { connect } from './aws/clients.ts';
import { DEFAULT_SHRINK_LIMIT } from './core/guard.ts';
import { commitBastions } from './demo/repository.ts';
import { createScreen } from './demo/screen.ts';
import { isOver, isWhole, NOTHING_SEEN, type Scene, type Seen, watchScene } from './demo/story.ts';
import { KINDS } from './kinds/index.ts';
import { visible } from './machinery/text.ts';

endWithReader();
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** Eight simulated minutes in twenty real seconds. */
const SPEED = 25;
const LONGEST_MS = 58_000;
const LOOK_EVERY_MS = 300;
const REGION = 'ap-northeast-1';
const INSTALLATION = 'demo';

const { json, verbose } = readFlags();
const terminal = {
  isTTY: process.stdout.isTTY === true && !json,
  columns: () => process.stdout.columns,
  write: (text: string) => output.write(text),
};
const interrupted = new AbortController();
const output = checkedOutput(process.stdout, 'standard output', () => interrupted.abort());
process.once('SIGINT', () => interrupted.abort());
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());

/** Ends the process when there is nothing to play. */
function readFlags(): { readonly json: boolean; readonly verbose: boolean } {
  const program = new Command('npm run demo --')
    .description('Run two Bastions from a git repository on simulated AWS, from creation to expiry.')
    .option('--json', 'End with one JSON line of results')
    .option('--verbose', "Write the controller's log to stderr")
    .version(readVersion(), '--version', 'Print the version')
    .exitOverride();
  try {
    const { json = false, verbose = false } = program.parse().opts<{ json?: boolean; verbose?: boolean }>();
    return { json, verbose };
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode);
    throw error;
  }
}

async function lookAround(
  { api, aws }: RunningController,
  clock: ReturnType<typeof systemClock>,
): Promise<Scene> {
  const scope = { accountId: aws.accountId, region: REGION, installation: INSTALLATION };
  const view = connect({ connection: aws.connection, clock, scope })();
  // Bastions first: nothing may be left of one that has expired by then.
  const bastions = (await api.bastions.list()).items;
  const lists = await Promise.all(KINDS.map((kind) => kind.list(view, undefined)));
  const owned = lists.flat().filter((resource) => resource.owned && resource.state !== 'gone');
  return { bastions, owned };
}

async function play(dir: string): Promise<Seen> {
  const clock = systemClock(SPEED);
  const repository = join(dir, 'repository');
  await commitBastions(repository, process.env['PATH'] ?? '');
  const screen = createScreen(terminal, clock.now());
  screen.say(
    `Committed two Bastions to a git repository; a controller on simulated AWS reads it (time runs ${SPEED} x).\n`,
  );
  const controller = await startController({
    aws: 'simulated',
    region: REGION,
    dataDir: join(dir, 'data'),
    git: [`${repository}#main:bastions`],
    installation: INSTALLATION,
    image: '{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest',
    maxTtlMs: 24 * 3_600_000,
    shrinkLimit: DEFAULT_SHRINK_LIMIT,
    // In simulated time: every two, thirty and one real seconds or so.
    resyncSchedule: '0 * * * * *',
    sweepSchedule: '0 */12 * * * *',
    gitSchedule: '*/20 * * * * *',
    env: process.env,
    speed: SPEED,
    clock,
    newId: randomUUID,
    log: createLog(clock, 'text', verbose ? (line) => void process.stderr.write(line) : () => {}),
  });
  let seen = NOTHING_SEEN;
  try {
    const endsAt = Date.now() + LONGEST_MS;
    while (!isOver(seen) && Date.now() < endsAt && !interrupted.signal.aborted) {
      const scene = await lookAround(controller, clock);
      screen.show(scene, clock.now());
      const before = seen;
      seen = watchScene(seen, scene);
      for (const line of news(before, seen)) screen.say(line);
      await pause(LOOK_EVERY_MS);
    }
  } finally {
    await controller.stop();
  }
  return seen;
}

/** The lines that stay on the screen. */
function news(before: Seen, after: Seen): string[] {
  const lines: string[] = [];
  if (before.sharedEndpoints === 0 && after.sharedEndpoints > 0) {
    lines.push(`-> both Ready, sharing ${after.sharedEndpoints} VPC endpoints`);
  }
  if (!before.endpointsStayed && after.endpointsStayed)
    lines.push('-> one expired; the endpoints stay for the other');
  if (isOver(after)) lines.push(`-> both expired: ${after.leftover} resources left`);
  return lines;
}

const startedAt = Date.now();
const dir = await mkdtemp(join(tmpdir(), 'bastion-demo-'));
try {
  const seen = await play(dir);
  const ok = isWhole(seen);
  if (json) {
    const { ready, expired, sharedEndpoints, endpointsStayed, leftover = -1, mostResources } = seen;
    const seconds = Math.round((Date.now() - startedAt) / 100) / 10;
    const line = {
      ready: ready.size,
      expired: expired.size,
      leftover,
      sharedEndpoints,
      endpointsStayed,
      mostResources,
      seconds,
      ok,
    };
    output.write(`${JSON.stringify(line)}\n`);
  } else if (!ok && !interrupted.signal.aborted) {
    output.write(
      `The demo did not see all it promises; run it with --verbose to read the controller's log.\n`,
    );
  }
  await output.flush?.();
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`error: ${visible(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
} finally {
  await rm(dir, { recursive: true, force: true });
}
