export { type ApplyRequest, applyConfiguration } from './apply.ts';
export type { Conflict } from './conflict.ts';
export { trackUpdate } from './track.ts';
