import type { Scenario } from '../scenario.ts';
import { LIVES } from './lives.ts';

/** Every piece of life under test: a new transport, kind or verb joins all kinds of faults by an entry here. */
export const SCENARIOS: readonly Scenario[] = [...LIVES];
