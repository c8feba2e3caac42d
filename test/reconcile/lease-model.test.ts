import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLease, type Lease } from '../../controller/reconcile/lease.ts';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import { type Store, StoreUnavailableError } from '../../controller/store/store.ts';
import { VirtualClock } from '../clock.ts';
import { createMemoryTable } from '../store/memory-table.ts';
import { LocalClock } from './local-clock.ts';

const LEASE_MS = 20_000;
const RENEW_MS = 5_000;
const STEP_MS = 250;
const CONTENDERS = 3;
const MOST_BESIDE_MS = 1_250;

/** How a contender's calls to the store fare: `full` takes no writes, `late` takes effect only after so long. */
type Line = 'fine' | 'refused' | 'full' | 'unanswered' | 'hangs' | { readonly lateMs: number };

interface Contender {
  readonly name: string;
  readonly clock: LocalClock;
  readonly lease: Lease;
  line: Line;
  state: 'running' | 'stopping' | 'stopped' | 'dead';
}

interface World {
  readonly clock: VirtualClock;
  readonly contenders: Contender[];
  readonly start: (place: number) => Contender;
  /** The newest tenure that was ever seen. */
  newest: { readonly epoch: number; readonly name: string } | undefined;
  /** For how long each has kept a lease that another one holds. */
  readonly beside: Map<string, number>;
  readonly seen: { takeOvers: number; pausedHolders: number; givenAway: number };
}

type Step = fc.AsyncCommand<Record<string, never>, World>;

function createWorld(clocks: readonly { readonly rate: number; readonly offsetMs: number }[]): World {
  const clock = new VirtualClock(0);
  let ids = 0;
  const newId = () => `id-${ids++}`;
  const store = createTableStore({ items: createMemoryTable(), clock, newId });
  let processes = 0;
  const start = (place: number): Contender => {
    const local = new LocalClock(clock, clocks[place] ?? { rate: 1, offsetMs: 0 });
    const name = `process-${++processes}`;
    const contender: Contender = {
      ...{ name, clock: local, line: 'fine', state: 'running' },
      lease: createLease({
        ...{ name: 'controller', holder: name, durationMs: LEASE_MS, renewEveryMs: RENEW_MS, clock: local },
        store: {
          readLease: (key) => send(() => store.readLease(key)),
          writeLease: (...args: Parameters<Store['writeLease']>) =>
            contender.line === 'full' ? refuse() : send(() => store.writeLease(...args)),
        },
      }),
    };
    const send = <T>(call: () => Promise<T>) => overLine(contender, clock, call);
    contender.lease.onChange(() => expectOneHolder(world));
    contender.lease.start();
    return contender;
  };
  const contenders: Contender[] = [];
  const world: World = {
    ...{ clock, contenders, start, newest: undefined },
    beside: new Map(),
    seen: { takeOvers: 0, pausedHolders: 0, givenAway: 0 },
  };
  for (let place = 0; place < CONTENDERS; place++) contenders.push(start(place));
  return world;
}

function refuse(): Promise<never> {
  return Promise.reject(new StoreUnavailableError('no room'));
}

/** A process that is stopped neither sends nor hears. */
async function overLine<T>(contender: Contender, clock: VirtualClock, call: () => Promise<T>): Promise<T> {
  const { line } = contender;
  if (line === 'refused') throw new StoreUnavailableError('cut off');
  if (typeof line === 'object') await new Promise<void>((resolve) => clock.setTimer(line.lateMs, resolve));
  const answer = await call();
  if (line === 'hangs' || contender.state === 'dead') return new Promise(() => undefined);
  await contender.clock.awake();
  if (line === 'unanswered') throw new StoreUnavailableError('the answer was lost');
  return answer;
}

/** At no instant two, each judged by its own clock; and another holder has another, higher epoch. */
function expectOneHolder(world: World): void {
  const holders = world.contenders.filter(({ lease, state }) => state !== 'dead' && lease.isHeld());
  expect(holders.map(({ name }) => name).length).toBeLessThanOrEqual(1);
  const [holder] = holders;
  const held = holder?.lease.held();
  if (!holder || !held) return;
  const { newest } = world;
  expect(held.epoch).toBeGreaterThanOrEqual(newest?.epoch ?? 0);
  if (held.epoch === newest?.epoch) expect(holder.name).toBe(newest.name);
  if (newest && holder.name !== newest.name) world.seen.takeOvers++;
  world.newest = { epoch: held.epoch, name: holder.name };
}

/** Who may only close what is over does not go on for longer beside another one than a read is taken for true. */
function expectOneKeeper(world: World): void {
  const holder = world.contenders.find(({ lease, state }) => state !== 'dead' && lease.isHeld());
  for (const one of world.contenders) {
    const { lease, state, name } = one;
    const isBeside = holder && one !== holder && state !== 'dead' && lease.kept() !== undefined;
    const besideMs = isBeside ? (world.beside.get(name) ?? 0) + STEP_MS : 0;
    world.beside.set(name, besideMs);
    expect(besideMs).toBeLessThanOrEqual(MOST_BESIDE_MS);
  }
}

async function pass(world: World, ms: number, until = () => false): Promise<void> {
  for (let passed = 0; passed < ms && !until(); passed += STEP_MS) {
    await world.clock.advance(STEP_MS);
    expectOneHolder(world);
    expectOneKeeper(world);
  }
}

function contenderAt(world: World, place: number): Contender {
  const contender = world.contenders[place];
  if (!contender) throw new Error(`there is no contender ${place}`);
  return contender;
}

/** A command on one contender that runs unless it is dead or on its way. */
function on(name: string, act: (contender: Contender, world: World, place: number) => void | Promise<void>) {
  return (place: number): Step => ({
    check: () => true,
    toString: () => `${name}(${place})`,
    run: async (_, world) => {
      await act(contenderAt(world, place), world, place);
      await pass(world, STEP_MS);
    },
  });
}

const pause = on('pause', (contender, world) => {
  if (contender.lease.isHeld()) world.seen.pausedHolders++;
  contender.clock.pause();
});
const resume = on('resume', ({ clock }) => clock.resume());
const stop = on('stop', (contender) => {
  if (contender.state !== 'running') return;
  contender.state = 'stopping';
  void contender.lease.stop().then(() => {
    contender.state = 'stopped';
  });
});
const giveWay = on('give way', ({ lease }, world) => {
  if (lease.isHeld()) world.seen.givenAway++;
  lease.giveWay();
});
const start = on('start', (contender) => {
  if (contender.state !== 'stopped') return;
  contender.state = 'running';
  contender.lease.start();
});
const kill = on('kill and replace', (contender, world, place) => {
  contender.state = 'dead';
  contender.clock.pause();
  world.contenders[place] = world.start(place);
});

function setLine(place: number, line: Line): Step {
  return on(`line ${JSON.stringify(line)}`, (contender) => {
    contender.line = line;
  })(place);
}

function setClock(place: number, ms: number): Step {
  return on(`step ${ms} ms`, ({ clock }) => clock.step(ms))(place);
}

function advance(ms: number): Step {
  return { check: () => true, toString: () => `advance(${ms})`, run: (_, world) => pass(world, ms) };
}

const heal: Step = {
  check: () => true,
  toString: () => 'heal()',
  async run(_, world) {
    for (const contender of world.contenders) {
      contender.line = 'fine';
      contender.clock.resume();
    }
    // Who is stopping may have to wait for an answer first.
    await pass(world, LEASE_MS, () => world.contenders.every(({ state }) => state !== 'stopping'));
    for (const contender of world.contenders) {
      if (contender.state === 'stopped') contender.lease.start();
      contender.state = 'running';
    }
    const isHeld = () => world.contenders.some(({ lease }) => lease.isHeld());
    // All of them may rest, and one of them then has to find a dead holder silent.
    await pass(world, 4 * LEASE_MS, isHeld);
    expect(isHeld()).toBe(true);
  },
};

const place = fc.nat({ max: CONTENDERS - 1 });
const line = fc.oneof(
  fc.constantFrom<Line>('fine', 'refused', 'full', 'unanswered', 'hangs'),
  fc.record({ lateMs: fc.integer({ min: 1, max: 2 * LEASE_MS }) }),
);
const clocks = fc.array(
  fc.record({
    rate: fc.double({ min: 0.95, max: 1.05, noNaN: true }),
    offsetMs: fc.nat({ max: 86_400_000 }),
  }),
  { minLength: CONTENDERS, maxLength: CONTENDERS },
);
const commands = fc.commands(
  [
    fc.integer({ min: STEP_MS, max: 2 * LEASE_MS }).map(advance),
    fc.integer({ min: STEP_MS, max: RENEW_MS }).map(advance),
    place.map(pause),
    place.map(resume),
    place.map(stop),
    place.map(giveWay),
    place.map(start),
    place.map(kill),
    fc.tuple(place, line).map((args) => setLine(...args)),
    fc.tuple(place, fc.integer({ min: -86_400_000, max: 86_400_000 })).map((args) => setClock(...args)),
    fc.constant(heal),
  ],
  { maxCommands: 40, size: 'max' },
);

describe('a lease that several contend for', () => {
  it('has one holder at most, and one soon when nothing hinders', { timeout: 60_000 }, async () => {
    const seen = { takeOvers: 0, pausedHolders: 0, givenAway: 0 };
    const property = fc.asyncProperty(clocks, commands, async (clocks, steps) => {
      const world = createWorld(clocks);
      await fc.asyncModelRun(() => ({ model: {}, real: world }), [...steps, heal]);
      seen.takeOvers += world.seen.takeOvers;
      seen.pausedHolders += world.seen.pausedHolders;
      seen.givenAway += world.seen.givenAway;
    });
    await fc.assert(property, { numRuns: 300 });
    // A run that never got there would prove nothing.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(20);
  });
});
