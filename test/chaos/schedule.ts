import { createRandom } from '../simulation/random.ts';

/** All that can happen, by the name under which it is counted. */
export const TROUBLES = [
  'kill',
  'terminate',
  'stop',
  'full-disk',
  'clock-step',
  'aws-reset',
  'aws-lost-reply',
  'aws-delay',
  'table-reset',
  'table-lost-reply',
  'table-delay',
  'table-hang',
] as const;
export type TroubleKind = (typeof TROUBLES)[number];

/** Something that will happen, whatever state the processes are in by then. */
export interface Trouble {
  /** From the beginning. */
  readonly atMs: number;
  readonly kind: TroubleKind;
  /** From 0 to 1: which of those that are there. */
  readonly whom: number;
  readonly prefersLeader: boolean;
  readonly holdMs: number;
  /** Of a delay; or by how much a clock is set. */
  readonly amountMs: number;
}

/** So that somebody comes to lead, and to work, in between. */
const GAP_MS = [2_000, 6_500] as const;
/** By how much a clock is set: within what machines differ by, beyond it, and by a daylight saving hour. */
const STEPS_MS = [-3_600_000, -120_000, -45_000, -10_000, 10_000, 45_000, 120_000, 3_600_000];
const DELAYS_MS = [200, 1_000, 4_000];
/** Longer than a lease, so that another one takes over; and shorter. */
const HOLDS_MS: Readonly<Partial<Record<TroubleKind, readonly [number, number]>>> = {
  stop: [500, 20_000],
  'full-disk': [2_000, 12_000],
  'clock-step': [5_000, 40_000],
  'table-hang': [1_000, 10_000],
};
const USUAL_HOLD_MS = [1_000, 8_000] as const;
/** What processes suffer comes as often as all the rest. */
const OFTEN: readonly TroubleKind[] = ['kill', 'terminate', 'stop'];

/** @returns what one seed makes happen in so much time, of the kinds that can be made to happen */
export function drawTroubles(seed: number, forMs: number, kinds: readonly TroubleKind[]): Trouble[] {
  const random = createRandom(seed);
  const [rare, often] = [
    kinds.filter((kind) => !OFTEN.includes(kind)),
    kinds.filter((kind) => OFTEN.includes(kind)),
  ];
  const troubles: Trouble[] = [];
  for (let atMs = random.between(...GAP_MS); atMs < forMs; atMs += random.between(...GAP_MS)) {
    const among = rare.length === 0 || (often.length > 0 && random.chance(0.5)) ? often : rare;
    const kind = random.pick(among);
    const holdMs = random.between(...(HOLDS_MS[kind] ?? USUAL_HOLD_MS));
    const amountMs = random.pick(kind === 'clock-step' ? STEPS_MS : DELAYS_MS);
    troubles.push({ atMs, kind, whom: random.next(), prefersLeader: random.chance(0.35), holdMs, amountMs });
  }
  return troubles;
}
