import type { BastionSpec } from '../../controller/api/bastion.ts';
import { ApiError } from '../../controller/machinery/api-error.ts';
import { manifestOf } from '../reconcile/harness.ts';
import { ANSWER } from './boundary.ts';
import { ORACLES } from './oracles/index.ts';
import { differences, type Picture, pictureOf, statusOf, wrongs } from './pictures.ts';
import { INVALID_SPECS, SPECS } from './specs.ts';
import { Violated } from './stage.ts';
import type { Violation } from './watch.ts';
import { World } from './world.ts';

const NAME = 'orders';
const FILE = `${NAME}.yaml`;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Until the next full hour, when a schedule may open. */
const CONVERGED_MS = 75 * MINUTE;
/** A further look at what there is. */
const QUIET_MS = 65 * SECOND;
/** Such a life is steady only once it is over. */
const BRIEF_MS = 7 * MINUTE;
/** So many specs are visited from one before a new world begins. */
const VISITS = 4;

/** A walk from one spec to the next in one world: from people's hands, or through git with an invalid file before each. */
export interface Walk {
  readonly name: string;
  readonly transitions: number;
  /** @returns what is otherwise than if the spec it came to had been the first */
  readonly run: () => Promise<readonly Violation[]>;
}

/**
 * All ordered pairs of the specs, each by hand and each through an invalid file. Of two specs one is the hub of the walk, so that
 * most of a walk is what it is about, and not the way to its start.
 */
export async function* transitions(): AsyncGenerator<Walk> {
  const names = Object.keys(SPECS);
  for (const [index, hub] of names.entries()) {
    const others = names.slice(index + 1);
    for (let first = 0; first < others.length; first += VISITS) {
      const visits = others.slice(first, first + VISITS);
      const stops = [hub, ...visits.flatMap((other) => [other, hub])];
      yield walk(stops, { throughGit: false });
      yield walk(stops, { throughGit: true });
    }
  }
}

/** A slice of the whole, spread over it. */
export async function* everyNth<T>(all: AsyncIterable<T>, nth: number): AsyncGenerator<T> {
  let index = 0;
  for await (const one of all) if (index++ % nth === 0) yield one;
}

function walk(stops: readonly string[], { throughGit }: { throughGit: boolean }): Walk {
  return {
    name: `${throughGit ? 'through git' : 'by hand'}: ${stops.join(', ')}`,
    transitions: stops.length - 1,
    run: async () => {
      const violations: Violation[] = [];
      let rest = stops;
      while (rest.length > 1) {
        const world = newWorld(throughGit);
        rest = rest.slice(await walkFrom(world, rest, throughGit ? commit : apply));
        world.end();
        violations.push(...world.violations);
      }
      return violations;
    },
  };
}

/** How a spec becomes another one; `from` is undefined for the first. */
type Step = (world: World, from: string | undefined, to: string) => Promise<void>;

/** @returns at which stop it ended: the last one, or the first that is not as if built fresh */
async function walkFrom(world: World, stops: readonly string[], step: Step): Promise<number> {
  for (const [index, to] of stops.entries()) {
    const from = stops[index - 1];
    try {
      await step(world, from, to);
      await isAsBuiltFresh(world, to, from);
    } catch (error) {
      if (!(error instanceof Violated)) throw error;
      return Math.max(1, index);
    }
  }
  return stops.length;
}

/** @throws RangeError */
function specOf(name: string): Partial<BastionSpec> {
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

async function apply(world: World, _from: string | undefined, to: string): Promise<void> {
  if (await isTaken(world, to)) return opensAgain(world);
  await world.delete(NAME);
  await world.until('it is gone', () => world.bastions.size === 0, CONVERGED_MS);
  await world.apply(NAME, specOf(to));
}

/** A longer TTL alone does not open what has ended. */
async function opensAgain(world: World): Promise<void> {
  if (world.bastions.get(`default/${NAME}`)?.status?.endedAt !== undefined) await world.renew(NAME);
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

async function commit(world: World, from: string | undefined, to: string): Promise<void> {
  if (from !== undefined) {
    const invalid = Object.values(INVALID_SPECS);
    world.git.commit({ [FILE]: fileOf({ ...invalid[(from.length * 7 + to.length) % invalid.length] }) });
    await world.until('the Bastion says that its file is invalid', () => isStale(world), MINUTE);
  }
  await opensAgain(world);
  world.git.commit({ [FILE]: fileOf(specOf(to)) });
  if (from === undefined || specOf(from).region === specOf(to).region) return;
  await world.until('the Bastion says that a field is immutable', () => isRefused(world), MINUTE);
  await world.delete(NAME);
  await world.until('it is gone', () => world.bastions.size === 0, CONVERGED_MS);
  // What is deleted by hand stays away until its file changes once more.
  world.mayOpen(NAME);
  world.git.commit({ [FILE]: `${fileOf(specOf(to))}\n# Anew.` });
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
  const { expiresAt = '' } = world.bastions.get(`default/${NAME}`)?.status ?? {};
  // The shortest lives end before anybody comes to change them.
  const isBrief = Date.parse(expiresAt) - world.now() < BRIEF_MS;
  await world.run(isBrief ? BRIEF_MS : QUIET_MS);
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
    world.violate('as-built-fresh', `${from ?? 'nothing'} -> ${name}: ${what}`);
  if (world.violations.length > 0) throw new Violated();
}

/** Auto goes on with the endpoints that it, or people, chose for the same network before. */
function withHeldPath(
  world: World,
  spec: Partial<BastionSpec>,
  before: Partial<BastionSpec>,
): Partial<BastionSpec> {
  const { status } = world.bastions.get(`default/${NAME}`) ?? {};
  const isSameOne = before.region === spec.region;
  const isHeld = isSameOne && status?.networkPath === 'Endpoints' && status.activatedAt !== undefined;
  if (!isHeld || spec.network?.path !== 'Auto' || before.network?.vpcId !== spec.network.vpcId) return spec;
  return { ...spec, network: { ...spec.network, path: 'Endpoints' } };
}
