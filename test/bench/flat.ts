/** What a soaked process holds at one time. */
export interface Sample {
  readonly atMs: number;
  /** After garbage was collected. */
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly descriptors: number;
  readonly storeBytes: number;
  /** Written so far. */
  readonly logBytes: number;
}

/** How much more than before is no growth. */
export interface Bound {
  readonly ratio: number;
  readonly slack: number;
}

export interface Growth {
  /** Medians of the second and of the last third. */
  readonly before: number;
  readonly after: number;
  readonly isFlat: boolean;
}

/**
 * The median of the last third of a run against that of its second third. The first third is for warming up; a median of many
 * samples is moved by no single one, be it taken in the middle of a pass; and what grows without end has grown for a third of the run
 * from the middle of the one to the middle of the other.
 */
export function growthOf(
  samples: readonly Sample[],
  value: (sample: Sample) => number,
  bound: Bound,
): Growth {
  const values = samples.map(value);
  const third = Math.floor(values.length / 3);
  if (third < 3) throw new Error(`${values.length} samples are too few to tell growth from chance`);
  const before = median(values.slice(third, 2 * third));
  const after = median(values.slice(2 * third));
  return { before, after, isFlat: after <= before * bound.ratio + bound.slack };
}

/** A log grows as long as there is something to say, and a store until its history is trimmed: how much of them comes in a minute. */
export function ratesOf(samples: readonly Sample[]): Sample[] {
  return samples.slice(1).map((sample, index) => {
    const { logBytes = 0, storeBytes = 0, atMs = 0 } = samples[index] ?? {};
    const perMinute = (bytes: number) => (bytes * 60_000) / Math.max(1, sample.atMs - atMs);
    const rates = { logBytes: sample.logBytes - logBytes, storeBytes: sample.storeBytes - storeBytes };
    return { ...sample, logBytes: perMinute(rates.logBytes), storeBytes: perMinute(rates.storeBytes) };
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
