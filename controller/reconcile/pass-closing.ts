import type { Step } from '../core/plan.ts';
import type { Observed } from '../core/resource.ts';

/** What a pass and the lane of its place have to know of each other. */
export interface PassClosing {
  /** Its Bastion has ended since the pass began: what lets somebody in is not made any more. */
  readonly hasEnded: (step: Step) => boolean;
  /** It was closed not long ago: to ask for it again would only use up what AWS allows. */
  readonly hasJustClosed: (observed: Observed) => boolean;
  readonly made: (observed: Observed) => void;
}
