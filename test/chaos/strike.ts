import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Bed } from './bed.ts';
import type { Controller, Member } from './controller.ts';
import type { Channel, Weather } from './gate.ts';
import { TROUBLES, type Trouble, type TroubleKind } from './schedule.ts';

const OF_A_FOLDER: readonly TroubleKind[] = ['full-disk'];

/** @returns what can be made to happen to these controllers, and what cannot, although it belongs to them */
export function kindsFor(mode: 'folder' | 'table'): readonly TroubleKind[] {
  return TROUBLES.filter((kind) =>
    mode === 'folder' ? !kind.startsWith('table-') : !OF_A_FOLDER.includes(kind),
  );
}

interface Struck {
  /** In a few words. */
  readonly what: string;
  readonly over: Promise<void>;
}

/** Begins one trouble, which ends by itself. @returns undefined where there was nobody to strike */
export async function strike(bed: Bed, trouble: Trouble): Promise<Struck | undefined> {
  const { kind, holdMs, amountMs } = trouble;
  const controller = pickController(bed, trouble);
  const seconds = `${(holdMs / 1000).toFixed(1)} s`;
  const lasts = (what: string, end: () => unknown) => ({
    what,
    over: pause(holdMs)
      .then(end)
      .then(() => {}),
  });
  switch (kind) {
    case 'kill':
    case 'terminate':
    case 'stop':
      return strikeMember(controller, trouble);
    case 'full-disk': {
      const end = await fillDisk(bed);
      return lasts(`the disk is full for ${seconds}`, end);
    }
    case 'clock-step':
      await controller.stepClock(amountMs);
      return lasts(`the clock of ${controller.name} is set by ${amountMs / 1000} s for ${seconds}`, () =>
        controller.stepClock(0),
      );
    default: {
      const [channel, what] = split(kind);
      const weather: Weather = what === 'delay' ? { kind: what, ms: amountMs } : { kind: what };
      // Now and then nobody gets through.
      const hit = trouble.whom > 0.9 ? bed.controllers : [controller];
      for (const one of hit) one.gate.set(channel, weather);
      const names = hit.map(({ name }) => name).join(' and ');
      return lasts(`${kind} for ${names}, ${seconds}`, () => {
        for (const one of hit) one.gate.clear(channel, weather);
      });
    }
  }
}

function split(kind: TroubleKind): [Channel, Weather['kind']] {
  const [, channel, what] = /^(aws|table)-(.+)$/.exec(kind) ?? [];
  return [channel as Channel, what as Weather['kind']];
}

function pickController({ controllers }: Bed, { whom, prefersLeader }: Trouble): Controller {
  const [latest] = [...controllers].sort((a, b) => b.leadsSince - a.leadsSince);
  const picked = controllers[Math.floor(whom * controllers.length)];
  const found = prefersLeader ? latest : picked;
  if (!found) throw new Error('there is no controller');
  return found;
}

async function strikeMember(
  controller: Controller,
  { kind, whom, prefersLeader, holdMs }: Trouble,
): Promise<Struck | undefined> {
  const members = await controller.members();
  const leader = members.find(({ name }) => name === controller.leader);
  const member = prefersLeader && leader ? leader : members[Math.floor(((whom * 7) % 1) * members.length)];
  if (!member) return undefined;
  const who = nameOf(controller, member);
  if (kind !== 'stop') {
    controller.strike(member, kind === 'kill' ? 'SIGKILL' : 'SIGTERM');
    return { what: `${kind} ${who}`, over: Promise.resolve() };
  }
  controller.hold(member.pid);
  const over = pause(holdMs).then(() => controller.release(member.pid));
  return { what: `stop ${who} for ${(holdMs / 1000).toFixed(1)} s`, over };
}

function nameOf(controller: Controller, { name, pid, isReplica }: Member): string {
  const leads = controller.leader === name ? ', which said last that it leads' : '';
  return `${isReplica ? `${name} of ` : ''}${controller.name} (${pid}${leads})`;
}

/** By a small disk that is full, or where there is none by a limit on what processes write. */
async function fillDisk({ disk, controllers }: Bed): Promise<() => Promise<unknown>> {
  if (disk) {
    await disk.fill();
    return () => disk.free();
  }
  const members = (await Promise.all(controllers.map((one) => one.members()))).flat();
  await limitFiles(members, '0');
  return () => limitFiles(members, 'unlimited');
}

async function limitFiles(members: readonly Member[], most: string): Promise<void> {
  for (const { pid } of members)
    await promisify(execFile)('prlimit', ['--pid', String(pid), `--fsize=${most}:`]).catch(() => undefined);
}

export async function canLimitFiles(): Promise<boolean> {
  return promisify(execFile)('prlimit', ['--version']).then(
    () => true,
    () => false,
  );
}
