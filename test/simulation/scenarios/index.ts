import type { Scenario } from '../scenario.ts';
import { CHANGES } from './changes.ts';
import { CLOCKS } from './clocks.ts';
import { CLOSINGS } from './closings.ts';
import { CREATIONS } from './creations.ts';
import { DATABASES } from './databases.ts';
import { DOUBTS } from './doubts.ts';
import { FAULTY_STORES } from './faulty-stores.ts';
import { IDLENESS } from './idleness.ts';
import { LEFTOVERS } from './leftovers.ts';
import { LIVES } from './lives.ts';
import { ACCEPTANCES, MARKS } from './marks.ts';
import { NEIGHBOURS } from './neighbours.ts';
import { NOBODY } from './nobody.ts';
import { ORIGINS } from './origins.ts';
import { RECORDS } from './records.ts';
import { REFUSALS } from './refusals.ts';
import { REPLICAS } from './replicas.ts';
import { SOURCES } from './sources.ts';
import { STORES } from './stores.ts';
import { STRUGGLES } from './struggles.ts';
import { TROUBLES } from './troubles.ts';

/** Every piece of life under test: a new transport, kind or verb joins all kinds of faults by an entry here. */
export const SCENARIOS: readonly Scenario[] = [
  ...CREATIONS,
  ...LIVES,
  ...IDLENESS,
  ...CHANGES,
  ...DATABASES,
  ...NEIGHBOURS,
  ...LEFTOVERS,
  ...MARKS,
  ...ACCEPTANCES,
  ...REFUSALS,
  ...STRUGGLES,
  ...REPLICAS,
  ...SOURCES,
  ...RECORDS,
  ...CLOCKS,
  ...TROUBLES,
  ...NOBODY,
  ...CLOSINGS,
  ...DOUBTS,
  ...ORIGINS,
  ...STORES,
  ...FAULTY_STORES,
];
