import type { Scenario } from '../scenario.ts';
import { CHANGES } from './changes.ts';
import { CLOCKS } from './clocks.ts';
import { CREATIONS } from './creations.ts';
import { DATABASES } from './databases.ts';
import { IDLENESS } from './idleness.ts';
import { LEFTOVERS } from './leftovers.ts';
import { LIVES } from './lives.ts';
import { NEIGHBOURS } from './neighbours.ts';
import { REPLICAS } from './replicas.ts';
import { SOURCES } from './sources.ts';
import { STORES } from './stores.ts';

/** Every piece of life under test: a new transport, kind or verb joins all kinds of faults by an entry here. */
export const SCENARIOS: readonly Scenario[] = [
  ...CREATIONS,
  ...LIVES,
  ...IDLENESS,
  ...CHANGES,
  ...DATABASES,
  ...NEIGHBOURS,
  ...LEFTOVERS,
  ...REPLICAS,
  ...SOURCES,
  ...STORES,
];

/** Played by name only. */
export const NAMED_SCENARIOS: readonly Scenario[] = [...SCENARIOS, ...CLOCKS];
