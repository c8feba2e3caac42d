import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Collection } from '../../controller/store/store.ts';
import {
  advance,
  createReal,
  get,
  HOUR_MS,
  interrupt,
  list,
  type Model,
  race,
  shortWhile,
  trim,
  type Write,
  write,
} from './commands.ts';
import type { Mishap } from './faulty-table.ts';

const writerIndex = fc.nat({ max: 1 });
const aCollection = fc.constantFrom<Collection>('bastions', 'bastions', 'events');
const aWrite: fc.Arbitrary<Write> = fc.record({
  collection: aCollection,
  name: fc.constantFrom('a', 'b', 'c'),
  change: fc.oneof(
    { weight: 3, arbitrary: fc.record({ content: fc.jsonValue({ maxDepth: 1 }) }) },
    { weight: 1, arbitrary: fc.constant('delete' as const) },
  ),
});
const aMishap = fc.constantFrom<Mishap>(
  'unanswered before',
  'unanswered after',
  'death before',
  'death after',
);

const paces = fc.array(fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 4 }), {
  minLength: 3,
  maxLength: 3,
});

const commands = fc.commands(
  [
    fc.tuple(writerIndex, aWrite, fc.constant(false)).map((args) => write(...args)),
    fc.tuple(writerIndex, aWrite, fc.boolean()).map((args) => write(...args)),
    fc.tuple(writerIndex, aWrite, fc.nat({ max: 5 }), aMishap).map((args) => interrupt(...args)),
    fc
      .tuple(fc.array(aWrite, { minLength: 2, maxLength: 4 }), paces, fc.boolean())
      .map((args) => race(...args)),
    fc.tuple(writerIndex, aCollection).map((args) => list(...args)),
    fc.tuple(writerIndex, aWrite).map((args) => get(...args)),
    fc.tuple(writerIndex, fc.constantFrom(0, HOUR_MS)).map((args) => trim(...args)),
    fc.constant(shortWhile),
    fc.constantFrom(HOUR_MS, 2 * HOUR_MS, 25 * HOUR_MS).map(advance),
  ],
  { maxCommands: 60, size: 'max' },
);

describe('a store on a table, against a model', () => {
  it('does what a history does, whatever meets those who write it', { timeout: 120_000 }, async () => {
    const seen = { unansweredEffects: 0, conflicts: 0, trimmed: 0 };
    const property = fc.asyncProperty(commands, async (steps) => {
      const model: Model = { history: [], trimmedThrough: 0 };
      const real = createReal();
      await fc.asyncModelRun(
        () => ({ model, real }),
        [...steps, advance(HOUR_MS), list(0, 'bastions'), list(1, 'events')],
      );
      for (const { mirror } of real.writers) await mirror.stop();
      for (const what of ['unansweredEffects', 'conflicts', 'trimmed'] as const)
        seen[what] += real.seen[what];
    });
    await fc.assert(property, { numRuns: 400 });
    // A run that never got there would prove nothing.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(20);
  });
});
