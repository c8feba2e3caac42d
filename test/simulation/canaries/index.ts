import type { Canary } from './canary.ts';
import { ENDS } from './ends.ts';
import { IDLENESS } from './idleness.ts';
import { STORES } from './stores.ts';
import { TIMES } from './times.ts';
import { TOKENS } from './tokens.ts';
import { TURNS } from './turns.ts';
import { WHOSE } from './whose.ts';

export const CANARIES: readonly Canary[] = [
  ...WHOSE,
  ...TOKENS,
  ...ENDS,
  ...TIMES,
  ...TURNS,
  ...IDLENESS,
  ...STORES,
];
