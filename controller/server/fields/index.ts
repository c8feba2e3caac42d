export { type ApplyRequest, type ApplyResult, applyConfiguration } from './apply.ts';
export type { Conflict } from './conflict.ts';
export { type TrackRequest, trackUpdate } from './track.ts';
