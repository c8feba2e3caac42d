import { type Bound, growthOf, ratesOf, type Sample } from './flat.ts';
import type { Line } from './report.ts';
import type { SoakLoad, SoakResult } from './soak.ts';

const MB = 1_048_576;

interface Figure {
  readonly name: string;
  readonly value: (sample: Sample) => number;
  readonly unit: { readonly name: string; readonly size: number };
  /** Wide enough for what differs from one run to the next, and far less than what grows by a megabyte a minute. */
  readonly bound: Bound;
}

const FIGURES: readonly Figure[] = [
  {
    name: 'retained heap',
    value: ({ heapBytes }) => heapBytes,
    unit: { name: 'MB', size: MB },
    bound: { ratio: 1.05, slack: 2 * MB },
  },
  {
    // Pages come back to the system late, and in lumps.
    name: 'RSS',
    value: ({ rssBytes }) => rssBytes,
    unit: { name: 'MB', size: MB },
    bound: { ratio: 1.1, slack: 16 * MB },
  },
  {
    name: 'open descriptors',
    value: ({ descriptors }) => descriptors,
    unit: { name: '', size: 1 },
    bound: { ratio: 1, slack: 8 },
  },
];

const LEAST_CHANGES = 0.25;

/** It keeps each change for five minutes, and ten thousand events: filled by the end of the first third of a long run. */
const STORE: Figure = {
  name: 'store on disk',
  value: ({ storeBytes }) => storeBytes,
  unit: { name: 'MB', size: MB },
  bound: { ratio: 1.1, slack: 2 * MB },
};
const FILLED_MINUTES = 20;

/** Of a shorter run, which only fills it. */
const STORE_RATE: Figure = {
  ...STORE,
  name: 'store on disk, per minute',
  bound: { ratio: 1.25, slack: 2 * MB },
};

const LOG_RATE: Figure = {
  name: 'log per minute',
  value: ({ logBytes }) => logBytes,
  unit: { name: 'KB', size: 1_024 },
  bound: { ratio: 1.25, slack: 64 * 1_024 },
};

export function soakLines(load: SoakLoad, { samples, changes, failures }: SoakResult): Line[] {
  const rates = ratesOf(samples);
  const isFilled = load.minutes >= FILLED_MINUTES;
  const asked = Math.round(load.minutes * 60 * load.changesPerSecond);
  return [
    ...FIGURES.map((figure) => lineOf(figure, samples)),
    isFilled ? lineOf(STORE, samples) : lineOf(STORE_RATE, rates),
    lineOf(LOG_RATE, rates),
    {
      name: 'changes without an answer',
      target: '0',
      cells: [{ text: `${failures.length} of ${changes}`, ok: failures.length === 0 }],
    },
    {
      // What hardly anybody used says nothing of leaks.
      name: 'changes made, of those that were due',
      target: `>= ${LEAST_CHANGES * 100} %`,
      cells: [{ text: `${changes} of ${asked}`, ok: changes >= asked * LEAST_CHANGES }],
    },
  ];
}

function lineOf({ name, value, unit, bound }: Figure, samples: readonly Sample[]): Line {
  const { before, after, isFlat } = growthOf(samples, value, bound);
  const show = (count: number) => (count / unit.size).toFixed(unit.size === 1 ? 0 : 1);
  const ratio = bound.ratio === 1 ? '' : `x ${bound.ratio} `;
  return {
    name,
    target: `<= the former ${ratio}+ ${bound.slack / unit.size} ${unit.name}`.trimEnd(),
    cells: [{ text: `${show(before)} -> ${show(after)} ${unit.name}`.trimEnd(), ok: isFlat }],
  };
}

export function progressOf({ atMs, heapBytes, rssBytes, descriptors, storeBytes, logBytes }: Sample): string {
  const mb = (bytes: number) => `${(bytes / MB).toFixed(1)} MB`;
  const minute = (atMs / 60_000).toFixed(1);
  return `${minute} min: heap ${mb(heapBytes)}, RSS ${mb(rssBytes)}, ${descriptors} descriptors, store ${mb(storeBytes)}, log ${mb(logBytes)}`;
}
