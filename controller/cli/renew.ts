import type { Command } from 'commander';
import { ANNOTATION, type Bastion, type BastionStatus } from '../api/bastion.ts';
import { rfc3339 } from '../machinery/clock.ts';
import { formatDuration, parseDuration } from '../machinery/duration.ts';
import { objectName } from '../machinery/object.ts';
import type { Connection } from './connection.ts';
import { type Context, EXIT_INTERRUPTED, type GlobalOptions, globalsOf } from './context.ts';
import { CliError, hintLines, writeLines } from './failure.ts';
import { DRY_RUN_SUFFIX, type DryRun, dryRunOption, timeoutOption } from './flags.ts';
import { watchUntil } from './follow.ts';
import type { CliIo } from './io.ts';
import { createProgress } from './progress.ts';
import { fullName, parseOneBastion } from './resource-type.ts';
import { timeWithDistance } from './time-text.ts';

interface Options extends GlobalOptions {
  readonly dryRun: DryRun;
  readonly timeout: number;
}

export function addRenew(program: Command, { io, connected }: Context): void {
  program
    .command('renew')
    .description("Restart the TTL of Bastions, up to the controller's --max-ttl")
    .argument('<name...>', 'NAME or bastion/NAME')
    .addOption(dryRunOption())
    .addOption(timeoutOption('Time to wait for the controller', 15_000))
    .action(async (words: string[], options: Options, command: Command) => {
      const name = parseOneBastion(words, 'renew');
      await connected(command, (connection) =>
        renew(io, connection, name, { ...options, ...globalsOf(command) }),
      );
    });
}

async function renew(io: CliIo, { api }: Connection, name: string, options: Options): Promise<number> {
  const { home, namespace = home, dryRun } = options;
  const timeoutMs = Math.max(0, options.timeout);
  const before = await api.bastions.get(namespace, name);
  checkOpen(before, io.clock.now());
  const now = rfc3339(io.clock.now());
  const patch = { metadata: { annotations: { [ANNOTATION.renewedAt]: now } } };
  const renewed = await api.bastions.patch(namespace, name, patch, { dryRun: dryRun !== 'none' });
  io.stdout.write(`${fullName(renewed)} renewed${DRY_RUN_SUFFIX[dryRun]}\n`);
  // The server's clock counts, where this one runs ahead.
  const renewedAt = renewed.metadata.annotations?.[ANNOTATION.renewedAt] ?? now;
  const wantedEnd = rfc3339(Date.parse(renewedAt) + (parseDuration(renewed.spec.ttl) ?? 0));
  if (dryRun !== 'none') {
    io.stdout.write(`would expire at ${timeWithDistance(wantedEnd, io.clock.now())} at the latest\n`);
    return 0;
  }
  return awaitAnswer(io, api, { before, wantedEnd, timeoutMs });
}

/** @throws CliError for one whose ttl does not run */
function checkOpen({ metadata: { name, deletionTimestamp }, spec, status }: Bastion, now: number): void {
  if (deletionTimestamp !== undefined) {
    throw new CliError(`bastion "${name}" is being deleted`, 'apply its manifest again once it is gone');
  }
  if (spec.suspend) {
    throw new CliError(`bastion "${name}" is suspended`, `reopen it with: bastionctl resume ${name}`);
  }
  const isClosed = status?.phase === 'Scheduled' || status?.phase === 'Expired';
  if (spec.schedule && isClosed && !isIdleEnd(spec, status, now)) {
    const next =
      status.nextActivationAt === undefined ? 'at its next firing' : `at ${status.nextActivationAt}`;
    throw new CliError(`bastion "${name}" is closed and opens by its schedule ${next}`);
  }
}

/** One that ended for being idle opens again until its window ends. */
function isIdleEnd(
  { ttl }: Bastion['spec'],
  { idle, activatedAt = '' }: BastionStatus,
  now: number,
): boolean {
  const isInWindow = now < Date.parse(activatedAt) + (parseDuration(ttl) ?? 0);
  return idle?.endedAt !== undefined && isInWindow;
}

interface Renewal {
  readonly before: Bastion;
  /** RFC 3339: now + ttl. */
  readonly wantedEnd: string;
  readonly timeoutMs: number;
}

/** The new end is the controller's to say: only it knows --max-ttl. */
async function awaitAnswer(
  io: CliIo,
  { bastions }: Connection['api'],
  { before, wantedEnd, timeoutMs }: Renewal,
): Promise<number> {
  const { namespace, name } = before.metadata;
  const known = before.status?.expiresAt;
  const progress = createProgress(io);
  let end: string | undefined;
  const { clock, signal } = io;
  const waited = await watchUntil(
    bastions,
    { namespace, name },
    {
      ...{ clock, signal, timeoutMs },
      look(objects) {
        end = objects.get(objectName(before))?.status?.expiresAt;
        const isAnswered = end !== undefined && (end !== known || end === wantedEnd);
        if (!isAnswered) progress.show(`bastion/${name}: waiting for the controller to set the new expiry`);
        return isAnswered;
      },
    },
  );
  progress.clear();
  if (waited === 'interrupted') return EXIT_INTERRUPTED;
  if (waited === 'met' && end !== undefined) {
    io.stdout.write(`expires at ${timeWithDistance(end, clock.now())}${clampText(before, end, wantedEnd)}\n`);
    return 0;
  }
  const still =
    end === undefined ? 'it has no expiry yet' : `it still expires at ${timeWithDistance(end, clock.now())}`;
  writeLines(io.stderr, [
    `error: no new expiry within ${formatDuration(timeoutMs)}; ${still}`,
    ...hintLines(
      `the renewal is recorded; either --max-ttl is reached or no controller is running. Look again: bastionctl get bastion ${name} -n ${namespace}`,
      io.program,
    ),
  ]);
  return 1;
}

function clampText({ spec }: Bastion, end: string, wantedEnd: string): string {
  if (Date.parse(end) >= Date.parse(wantedEnd)) return '';
  return `, less than the full ttl of ${spec.ttl}: clamped by the controller's --max-ttl`;
}
