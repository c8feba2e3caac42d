import { ApiError } from '../../controller/machinery/api-error.ts';
import { ANSWER, type Call, type Target } from './boundary.ts';
import { warmUp } from './clients.ts';
import { ALL_KINDS, FAULT_KINDS, type FaultKind } from './faults.ts';
import { HARMLESS, type Thing } from './inventory.ts';
import type { OracleFactory } from './oracle.ts';
import { ORACLES } from './oracles/index.ts';
import { createRandom } from './random.ts';
import type { Scenario } from './scenario.ts';
import { type StageOptions, Violated } from './stage.ts';
import type { Violation } from './watch.ts';
import { World } from './world.ts';

const MINUTE = 60_000;
/** The longest back-off of a step is five minutes. */
const CALM_MS = 15 * MINUTE;
const GONE_MS = 60 * MINUTE;
/** A sweep comes once an hour, and what nobody wants goes at the second look. */
const SWEEP_MS = 65 * MINUTE;
/** For how long a change does not show, in histories with stale looks. */
const STALE_MS = 4_000;

/** One thing that goes wrong: at which call, and how. */
export interface Fault {
  readonly at: number;
  readonly kind: string;
}

/** All that fixes one history. */
export interface Schedule {
  readonly scenario: Scenario;
  readonly faults: readonly Fault[];
  /** Spreads what is between the faults: how long calls take, how old looks are, how long pages are. */
  readonly seed: number;
  readonly isStale: boolean;
  /** More than the scenario has by itself. */
  readonly replicas?: number;
  /** Further passes in which nothing may change, once all is well. */
  readonly quietPasses: number;
}

/** A call at which something could have gone wrong. */
export interface CallSite {
  readonly index: number;
  readonly name: string;
  readonly isWrite: boolean;
  /** How many changes were made before it: between two changes every look sees the same world. */
  readonly epoch: number;
  /** All that happened up to its answer, in short. */
  readonly prefix: string;
  /** What could have gone wrong there, and would have made a difference. */
  readonly kinds: readonly FaultKind[];
}

export interface Outcome {
  readonly violations: readonly Violation[];
  readonly hash: string;
  readonly calls: number;
  readonly lines: readonly string[];
  readonly sites: readonly CallSite[];
}

/** In every other history AWS is quick, so that a history has more of everything else. */
const BRIEF = {
  ...{ interfaceEndpointMs: 12_000, gatewayEndpointMs: 4_000, endpointDeleteMs: 12_000 },
  ...{ privateDnsLingerMs: 6_000, iamPropagationMs: 5_000 },
  ...{ taskProvisionMs: 4_000, taskPullMs: 4_000, taskActivateMs: 1_000, agentConnectMs: 3_000 },
  ...{ taskStopMs: 4_000, taskDeprovisionMs: 4_000 },
};

export interface PlayOptions {
  readonly oracles?: readonly OracleFactory[];
  /** Also tells where something could have gone wrong. */
  readonly collectSites?: boolean;
  /** What could; the usual ones unless said. */
  readonly kinds?: readonly FaultKind[];
  readonly settings?: StageOptions['settings'];
  readonly aroundCall?: StageOptions['aroundCall'];
}

/** Plays one history to its end, or to its first violation. */
export async function play(schedule: Schedule, options: PlayOptions = {}): Promise<Outcome> {
  const { scenario, faults, seed, isStale } = schedule;
  const replicas = Math.max(schedule.replicas ?? 1, scenario.replicas ?? 1);
  await warmUp();
  const { oracles = ORACLES, collectSites = false, kinds = FAULT_KINDS, settings, aroundCall } = options;
  const random = createRandom(seed);
  const byIndex = new Map(faults.map((fault) => [fault.at, fault]));
  const sites = createSites(kinds, () => world.history.hash());
  const world: World = new World({
    ...{ replicas, withGit: scenario.withGit ?? false, oracles, aroundCall, seed },
    skewsMs: scenario.skewsMs,
    settings: { ...scenario.settings, ...settings },
    staleMs: isStale ? STALE_MS : 0,
    pageSize: seed % 4 === 3 ? 5 : undefined,
    latencies: seed % 2 === 0 ? BRIEF : {},
    latencyMs: latencies(random, seed, replicas),
    judge: (call, index, strikes) => {
      const fault = byIndex.get(index);
      const kind = fault && ALL_KINDS.find((one) => one.name === fault.kind);
      return kind?.applies(call) ? kind.strike(call, strikes) : ANSWER;
    },
    onAnswer: collectSites ? sites.add : undefined,
  });
  try {
    await scenario.play(world);
    await staysQuiet(world, schedule.quietPasses);
    await leavesNothing(world);
  } catch (error) {
    // People's own way to the store never fails: what they are refused there was lost.
    if (error instanceof ApiError) world.violate('served', `somebody was refused: ${error.message}`);
    else if (!(error instanceof Violated)) throw error;
  }
  world.end();
  const { violations, history, boundary } = world;
  return {
    violations,
    hash: history.hash(),
    calls: boundary.count(),
    lines: history.lines(),
    sites: sites.all,
  };
}

function createSites(possible: readonly FaultKind[], prefix: () => string) {
  const all: CallSite[] = [];
  let epoch = 0;
  const add = (call: Call, index: number) => {
    if (call.isPoll) return;
    const kinds = possible.filter((kind) => kind.applies(call) && (kind.matters?.(call) ?? true));
    all.push({ index, name: call.name, isWrite: call.isWrite, epoch, prefix: prefix(), kinds });
    if (call.isWrite) epoch += 1;
  };
  return { all, add };
}

/** With one replica the table answers at once: there is nobody to interleave with. */
function latencies(random: ReturnType<typeof createRandom>, seed: number, replicas: number) {
  const typical: Readonly<Record<Target, number>> = { aws: 40, table: replicas > 1 ? 5 : 0, git: 200 };
  return (target: Target) =>
    seed === 0 ? typical[target] : Math.round(typical[target] * (0.5 + 3 * random.next() ** 3));
}

/**
 * What no one wants is deleted by the second full look that shows it, and the first may be a resync late: a list that was
 * refused is first seen again by a quiet resync, which reads only what opens something. So three minutes without a change are rest.
 */
const REST_MS = 3 * MINUTE;

/** Once faults stop, and after a while, no further look changes anything. */
async function staysQuiet(world: World, passes: number): Promise<void> {
  await comesToRest(world);
  const { troubledUntil, changes } = world.standing();
  await world.run(passes * MINUTE);
  const now = world.standing();
  // A fault that came only now begins it all anew.
  if (now.troubledUntil !== troubledUntil) return staysQuiet(world, passes);
  const more = now.changes - changes;
  if (more > 0) world.violate('stable', `${more} changes in ${passes} quiet minutes`);
  if (world.violations.length > 0) throw new Violated();
}

async function comesToRest(world: World): Promise<void> {
  await world.run(Math.max(0, world.standing().troubledUntil - world.now()));
  // What opens nothing and costs nothing is looked at once an hour, so that is when a change of it by hand is found.
  if (world.wasTampered()) await world.run(61 * MINUTE);
  let { changes } = world.standing();
  let since = world.now();
  const isAtRest = () => {
    const now = world.standing();
    if (now.changes !== changes || now.troubledUntil > world.now()) since = world.now();
    changes = now.changes;
    return world.now() - since >= REST_MS;
  };
  await world.until('no more changes', isAtRest, CALM_MS);
}

async function leavesNothing(world: World): Promise<void> {
  // Otherwise what is deleted here would be made again from its file.
  world.git.goAway();
  for (const { metadata } of world.bastions.values()) {
    if (metadata.deletionTimestamp === undefined) await world.delete(metadata.name);
  }
  await world.until('every Bastion is let go', () => world.bastions.size === 0, GONE_MS);
  await world.run(2 * MINUTE);
  // Where AWS refused us its scheduler for a while, that is found by the hourly sweep, in a second look.
  const isHarmless = ({ kind }: Thing) => HARMLESS.includes(kind);
  if (world.ours().length > 0 && world.ours().every(isHarmless)) await world.run(SWEEP_MS);
  const left = world.ours().map(({ kind, id }) => `${kind} ${id}`);
  if (left.length > 0) world.violate('nothing-left', left.join(', '));
}
