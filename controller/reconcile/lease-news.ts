import type { LeaseRecord } from '../store/store.ts';

export type LeaseNews =
  | { readonly type: 'waits'; readonly holder: string; readonly epoch: number }
  /** This clock lies behind the one of the holder before. */
  | { readonly type: 'set-back'; readonly behindMs: number }
  /** `silentMs`: since this one last saw a sign of life of the holder before, when it saw one at all. */
  | {
      readonly type: 'took-over';
      readonly from: string;
      readonly epoch: number;
      readonly silentMs: number | undefined;
    };

/** What a new holder finds: of whom it takes over, and whether its clock lies behind that one's. */
export function newsOfTakeOver(
  before: LeaseRecord | undefined,
  after: LeaseRecord,
  seen: { readonly holder: string; readonly silentMs: number } | undefined,
  holder: string,
): readonly LeaseNews[] {
  const from = before?.holder || seen?.holder;
  const behindMs = (after.setBackMs ?? 0) - (before?.setBackMs ?? 0);
  return [
    ...(from !== undefined && from !== holder
      ? [{ type: 'took-over' as const, from, epoch: after.epoch, silentMs: seen?.silentMs }]
      : []),
    ...(behindMs > 0 ? [{ type: 'set-back' as const, behindMs }] : []),
  ];
}
