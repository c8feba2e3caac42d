import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bastion } from '../../controller/api/bastion.ts';
import { createRandom } from '../simulation/random.ts';
import { ask, storedOf } from './api.ts';
import { Attendance } from './attendance.ts';
import { type Bed, type Mode, openBed } from './bed.ts';
import { Book } from './book.ts';
import { FAULTS, type Fault, Judge } from './judge.ts';
import { type PeopleOptions, Person } from './people.ts';
import { listProcesses, signal } from './processes.ts';
import type { Progress } from './progress.ts';
import { drawTroubles } from './schedule.ts';
import { canLimitFiles, kindsFor, strike } from './strike.ts';

export interface RunOptions {
  readonly mode: Mode;
  readonly seed: number;
  readonly forMs: number;
  readonly folder: string;
  readonly progress: Progress;
  /** Told what has to be ended at once when somebody interrupts. */
  readonly onOpen: (end: () => Promise<void>) => void;
}

export interface Outcome {
  readonly events: number;
  readonly skipped: readonly string[];
  readonly judge: Judge;
}

/** `--max-ttl`: the shortest ttl of a Bastion is longer than a short run. */
const LIFE_MS = 25_000;
const PEOPLE = 5;
const LOOK_EVERY_MS = 1_000;
const SLOW_MS = 5_000;
const START_MS = 120_000;
/** The longest that is promised after an end, and what follows the entrances. */
const ENDS_MS = 150_000;
const REST_MS = 150_000;
/** Until sockets of those that ended are gone. */
const SETTLE_MS = 2_000;
/** The machinery's own: a DNS handle, a pipe that is about to close. */
const DESCRIPTORS_SLACK = 4;

/** One history: controllers, people and trouble; then peace, in which all has to end, and nothing may be left. */
export async function run(options: RunOptions): Promise<Outcome> {
  const { mode, folder, progress } = options;
  const descriptors = await countDescriptors();
  const bed = await openBed(mode, folder, `${LIFE_MS / 1_000}s`);
  const interrupted = new AbortController();
  options.onOpen(async () => {
    interrupted.abort();
    await Promise.all(bed.controllers.map((one) => one.kill()));
    await bed.disk?.close();
  });
  const book = new Book(LIFE_MS);
  const attendance = new Attendance();
  const onFault = (fault: Fault, text: string) => progress.say(`${fault}: ${text}`);
  const judge = new Judge({ book, attendance, onFault });
  judge.plant(bed.things().filter(({ isOurs }) => !isOurs));
  const watching = watch(bed, { judge, attendance });
  for (const one of bed.controllers) one.start();
  const servers = bed.controllers.map(({ url }) => url);
  await answers(servers, START_MS);
  const people = peopleOf(bed, options, { book, judge, signal: interrupted.signal });
  const told = () => summary(people, book, judge);
  const lives = people.map((person) => person.live());
  // Trouble strikes what lives.
  if (!(await until(async () => book.lives > 0, START_MS)))
    throw new Error('no Bastion was ever seen in simulated AWS');
  const struck = await trouble(bed, options, told);
  await makePeace(bed, progress);
  for (const person of people) person.leave();
  await Promise.all(lives);
  await everyLifeEnds(bed, { book, progress });
  await judgeStored(servers, { book, judge });
  await Promise.all(people.map((person) => person.deleteAll()));
  await nothingIsLeft(bed, servers);
  await watching.stop();
  const left = bed.things();
  judge.rest(left, await close(bed, { folder, descriptors }));
  progress.say(`${mode}: ${struck.events} events, ${told()}`);
  return { ...struck, judge };
}

function peopleOf(
  { controllers, awsUrl, place }: Bed,
  { seed, folder, progress }: RunOptions,
  shared: Pick<PeopleOptions, 'book' | 'judge' | 'signal'>,
): Person[] {
  const servers = controllers.map(({ url }) => url);
  return Array.from({ length: PEOPLE }, (_, index) => {
    const random = createRandom(seed * 31 + index);
    return new Person(`p${index + 1}`, {
      ...{ ...shared, random, servers, awsUrl, place, folder, log: progress.note },
    });
  });
}

async function makePeace(bed: Bed, progress: Progress): Promise<void> {
  progress.note('peace');
  for (const one of bed.controllers) await one.heal();
  await bed.disk?.free();
}

/** @returns what of this test's own is left */
async function close(
  bed: Bed,
  { folder, descriptors }: { folder: string; descriptors: number },
): Promise<string[]> {
  await Promise.all(bed.controllers.map((one) => one.end()));
  const processes = (await listProcesses()).filter(({ command }) => command.includes(folder));
  await bed.close();
  await pause(SETTLE_MS);
  const more = (await countDescriptors()) - descriptors;
  for (const { pid } of processes) signal(pid, 'SIGKILL');
  return [
    ...processes.map(({ pid, command }) => `process ${pid}: ${command.slice(0, 120)}`),
    ...(more > DESCRIPTORS_SLACK ? [`${more} more descriptors than before`] : []),
  ];
}

function summary(people: readonly Person[], book: Book, judge: Judge): string {
  const total = (count: (person: Person) => number) => people.reduce((sum, person) => sum + count(person), 0);
  const done = `${total(({ acknowledged }) => acknowledged)} acknowledged writes, ${book.lives} lives, ${total(({ sessions }) => sessions)} sessions`;
  return `${done}, ${FAULTS.map((fault) => `${fault}=${judge.count(fault)}`).join(' ')}`;
}

/** Looks at simulated AWS once a second until it is stopped. */
function watch(bed: Bed, { judge, attendance }: { judge: Judge; attendance: Attendance }) {
  let isOver = false;
  let lookedAt = Date.now();
  const looks = async () => {
    while (!isOver) {
      const processes = await listProcesses();
      const able = await Promise.all(bed.controllers.map((one) => one.isAble(Date.now(), processes)));
      // Where this process got no time of its machine, the others got none either.
      if (Date.now() - lookedAt > SLOW_MS) attendance.note(false, lookedAt);
      lookedAt = Date.now();
      attendance.note(able.includes(true), lookedAt);
      judge.look(bed.things(), Date.now());
      await pause(LOOK_EVERY_MS);
    }
  };
  const done = looks();
  return {
    stop: () => {
      isOver = true;
      return done;
    },
  };
}

async function trouble(bed: Bed, options: RunOptions, told: () => string) {
  const { mode, seed, forMs, progress } = options;
  const kinds = kindsFor(mode);
  const canFill = bed.disk !== undefined || (await canLimitFiles());
  const possible = kinds.filter((kind) => kind !== 'full-disk' || canFill);
  const skipped = kinds.filter((kind) => !possible.includes(kind));
  for (const kind of skipped)
    progress.say(`${mode}: ${kind} is skipped: neither mount nor prlimit is to be had here`);
  const startedAt = Date.now();
  const lasting: Promise<void>[] = [];
  let events = 0;
  for (const one of drawTroubles(seed, forMs, possible)) {
    await pause(Math.max(0, startedAt + one.atMs - Date.now()));
    const struck = await strike(bed, one);
    if (!struck) continue;
    const { what, over } = struck;
    lasting.push(over);
    events++;
    progress.note(`event ${events}: ${what}`);
    const minutes = ((Date.now() - startedAt) / 60_000).toFixed(1);
    progress.show(`${mode}: ${minutes} of ${forMs / 60_000} min, ${events} events, ${told()}; ${what}`);
  }
  await pause(Math.max(0, startedAt + forMs - Date.now()));
  await Promise.all(lasting);
  return { events, skipped };
}

async function answers(servers: readonly string[], withinMs: number): Promise<void> {
  const isThere = async () => (await firstAnswer(servers)) !== undefined;
  if (!(await until(isThere, withinMs))) throw new Error('no controller serves its API');
}

async function firstAnswer(servers: readonly string[]): Promise<readonly Bastion[] | undefined> {
  for (const server of servers) {
    try {
      return ((await ask(server, 'GET')) as { items: Bastion[] }).items;
    } catch {
      // The next one.
    }
  }
  return undefined;
}

/** Whatever lives is left to its end. That it comes in time is judged by the looks. */
async function everyLifeEnds(
  bed: Bed,
  { book, progress }: { book: Book; progress: Progress },
): Promise<void> {
  const isOpen = () =>
    bed
      .things()
      .some(
        ({ kind, isOurs, isLive }) =>
          isOurs && isLive && ['task', 'session', 'target-ingress'].includes(kind),
      );
  const isAskedFor = () =>
    [...book.entries.values()].some(
      ({ askedAt, isDeleted }) => !isDeleted && askedAt !== undefined && Date.now() - askedAt < LIFE_MS,
    );
  if (!(await until(async () => !isOpen() && !isAskedFor(), ENDS_MS))) progress.note('something stays open');
}

async function judgeStored(servers: readonly string[], { book, judge }: { book: Book; judge: Judge }) {
  let items: readonly Bastion[] | undefined;
  await until(async () => {
    items = await firstAnswer(servers);
    return items !== undefined;
  }, REST_MS);
  if (!items) throw new Error('nobody tells what is stored');
  const stored = new Map(items.map((item) => [item.metadata.name, storedOf(item)]));
  for (const entry of book.entries.values()) judge.read(entry, stored.get(entry.name));
}

async function nothingIsLeft(bed: Bed, servers: readonly string[]): Promise<void> {
  await until(async () => {
    const stored = await firstAnswer(servers);
    return stored?.length === 0 && !bed.things().some(({ isOurs, isLive }) => isOurs && isLive);
  }, REST_MS);
}

async function until(holds: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) return false;
    await pause(LOOK_EVERY_MS);
  }
  return true;
}

/** Of this process; 0 where that cannot be told. */
async function countDescriptors(): Promise<number> {
  return readdir(join('/proc/self/fd')).then(
    (names) => names.length,
    () => 0,
  );
}
