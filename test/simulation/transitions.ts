import type { BastionSpec } from '../../controller/api/bastion.ts';
import { ApiError } from '../../controller/api/client.ts';
import { ANSWER } from './boundary.ts';
import { ORACLES } from './oracles/index.ts';
import { differences, type Picture, pictureOf, statusOf, wrongs } from './pictures.ts';
import { INVALID_SPECS, SPECS } from './specs.ts';
import { manifestOf, Violated, type Violation, World } from './world.ts';

const NAME = 'orders';
const FILE = `${NAME}.yaml`;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Until the next full hour, when a schedule may open. */
const CONVERGED_MS = 75 * MINUTE;
/** Two further looks at what there is. */
const QUIET_MS = 2 * MINUTE;

/** One way from one spec to another: from people's hands, or from git with an invalid one in between. */
export interface Transition {
  readonly name: string;
  /** @returns what is otherwise than if the last spec had been the first */
  readonly run: () => Promise<readonly Violation[]>;
}

/** All ordered pairs of the specs, each by hand and each through an invalid file and back. */
export async function* transitions(): AsyncGenerator<Transition> {
  const names = Object.keys(SPECS);
  const invalid = Object.keys(INVALID_SPECS);
  let count = 0;
  for (const from of names) {
    for (const to of names) {
      if (from === to) continue;
      yield transition(from, to);
      yield transition(from, to, invalid[count++ % invalid.length]);
    }
  }
}

/** A slice that meets all parts of the whole, when `nth` divides neither the number of specs nor twice it. */
export async function* everyNth<T>(all: AsyncIterable<T>, nth: number): AsyncGenerator<T> {
  let index = 0;
  for await (const one of all) if (index++ % nth === 0) yield one;
}

export function transition(from: string, to: string, via?: string): Transition {
  const name = [from, via && `(${via})`, to].filter((part) => part !== undefined).join(' -> ');
  return {
    name,
    run: async () => {
      const world = newWorld(via !== undefined);
      try {
        await (via === undefined ? byHand(world, from, to) : throughGit(world, { from, to, via }));
      } catch (error) {
        if (!(error instanceof Violated)) throw error;
      }
      return world.violations;
    },
  };
}

/** @throws RangeError */
export function specOf(name: string): Partial<BastionSpec> {
  const spec = SPECS[name];
  if (!spec) throw new RangeError(`no spec is called ${name}`);
  return spec;
}

function newWorld(withGit: boolean): World {
  const world = new World({
    ...{ replicas: 1, withGit, staleMs: 0, oracles: ORACLES },
    latencyMs: (target) => (target === 'aws' ? 5 : 0),
    judge: () => ANSWER,
  });
  world.simulator.throttling = false;
  return world;
}

async function byHand(world: World, from: string, to: string): Promise<void> {
  await world.apply(NAME, specOf(from));
  await isAsBuiltFresh(world, from);
  if (!(await isTaken(world, to))) {
    await world.delete(NAME);
    await world.until('it is gone', () => world.bastions.size === 0, CONVERGED_MS);
    await world.apply(NAME, specOf(to));
  }
  await isAsBuiltFresh(world, to, from);
}

/** False when a field is immutable; nothing has changed then. */
async function isTaken(world: World, to: string): Promise<boolean> {
  try {
    await world.apply(NAME, specOf(to));
    return true;
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'Invalid') throw error;
    return false;
  }
}

async function throughGit(
  world: World,
  { from, to, via }: { from: string; to: string; via: string },
): Promise<void> {
  world.git.commit({ [FILE]: fileOf(specOf(from)) });
  await isAsBuiltFresh(world, from);
  world.git.commit({ [FILE]: fileOf({ ...INVALID_SPECS[via] }) });
  await world.until('the Bastion says that its file is invalid', () => isStale(world), MINUTE);
  world.git.commit({ [FILE]: fileOf(specOf(to)) });
  if (specOf(from).region !== specOf(to).region) {
    await world.until('the Bastion says that a field is immutable', () => isRefused(world), MINUTE);
    await world.delete(NAME);
  }
  await isAsBuiltFresh(world, to, from);
}

function fileOf(spec: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...manifestOf(NAME), spec });
}

function acceptedIn(world: World) {
  const { status } = world.bastions.get(`default/${NAME}`) ?? {};
  return status?.conditions?.find(({ type }) => type === 'Accepted');
}

function isStale(world: World): boolean {
  const { reason } = acceptedIn(world) ?? {};
  // What never can be is told of before anything else.
  return reason === 'StaleManifest' || reason === 'Invalid';
}

function isRefused(world: World): boolean {
  return acceptedIn(world)?.message.includes('spec.region') === true;
}

const pictures = new Map<string, Promise<Picture>>();

/** What the spec comes to when it is the first; built once. */
function freshPicture(spec: Partial<BastionSpec>): Promise<Picture> {
  const key = JSON.stringify(spec);
  const known = pictures.get(key) ?? buildFresh(spec);
  pictures.set(key, known);
  return known;
}

const STEADY = ['Ready', 'Suspended', 'Scheduled', 'Failed', 'Expired'];

async function buildFresh(spec: Partial<BastionSpec>): Promise<Picture> {
  const world = newWorld(false);
  await world.apply(NAME, spec);
  const isSteady = () => STEADY.includes(world.phase(NAME) ?? '');
  await world.until('it is steady', isSteady, CONVERGED_MS);
  // The shortest lives are over by then.
  await world.run(7 * MINUTE);
  await world.until('it is steady', isSteady, CONVERGED_MS);
  return pictureOf(world, NAME);
}

async function isAsBuiltFresh(world: World, name: string, from?: string): Promise<void> {
  const expected = await freshPicture(
    from === undefined ? specOf(name) : withHeldPath(world, specOf(name), specOf(from)),
  );
  const compare = expected.status.includes('phase Failed') ? wrongs : differences;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const isReached = () => {
    if (world.violations.length > 0) return true;
    const status = statusOf(world.bastions.get(`default/${NAME}`));
    const isDue = status[0] === expected.status[0] || compare === wrongs;
    if (!isDue || world.now() - lookedAt < SECOND) return false;
    lookedAt = world.now();
    return compare(expected, pictureOf(world, NAME)).length === 0;
  };
  if (await world.timeline.runUntil(isReached, world.now() + CONVERGED_MS)) await world.run(QUIET_MS);
  for (const what of compare(expected, pictureOf(world, NAME)))
    world.violate('as-built-fresh', `${name}: ${what}`);
  if (world.violations.length > 0) throw new Violated();
}

/** Auto goes on with the endpoints that it, or people, chose for the same network before. */
function withHeldPath(
  world: World,
  spec: Partial<BastionSpec>,
  before: Partial<BastionSpec>,
): Partial<BastionSpec> {
  const { status } = world.bastions.get(`default/${NAME}`) ?? {};
  const isHeld = status?.networkPath === 'Endpoints' && status.activatedAt !== undefined;
  if (!isHeld || spec.network?.path !== 'Auto' || before.network?.vpcId !== spec.network.vpcId) return spec;
  return { ...spec, network: { ...spec.network, path: 'Endpoints' } };
}
