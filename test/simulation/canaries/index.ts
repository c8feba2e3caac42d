import { ALONE } from './alone.ts';
import type { Canary } from './canary.ts';
import { CLOSING } from './closing.ts';
import { DOUBTS } from './doubts.ts';
import { ENDS } from './ends.ts';
import { HANDOVERS } from './handovers.ts';
import { IDLENESS } from './idleness.ts';
import { MARKS } from './marks.ts';
import { ORIGINS } from './origins.ts';
import { RECORDED } from './records.ts';
import { STORES } from './stores.ts';
import { TIMES } from './times.ts';
import { TOKENS } from './tokens.ts';
import { TURNS } from './turns.ts';
import { WHOSE } from './whose.ts';

export const CANARIES: readonly Canary[] = [
  ...WHOSE,
  ...MARKS,
  ...TOKENS,
  ...ENDS,
  ...TIMES,
  ...TURNS,
  ...IDLENESS,
  ...RECORDED,
  ...CLOSING,
  ...ALONE,
  ...DOUBTS,
  ...ORIGINS,
  ...STORES,
  ...HANDOVERS,
];
