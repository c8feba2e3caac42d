import type { Step } from './plan.ts';
import type { Observed } from './resource.ts';

/** What came of one step of the plan in this pass. */
export interface Outcome {
  readonly step: Step;
  /**
   * done      the call succeeded
   * failed    it did not; `message` says why
   * deferred  it was not made, or AWS asked to come back: no fault of anybody's
   * waiting   something else has to happen first; `message` says what
   * idle      there was nothing to do
   */
  readonly result: 'done' | 'failed' | 'deferred' | 'waiting' | 'idle';
  readonly message?: string;
  /** The resource as it was before the call, where there was one. */
  readonly found?: Observed | undefined;
  /** When trying again can help, milliseconds from now; deferred and failed only. */
  readonly retryAfterMs?: number;
  /** It failed in an earlier pass and was not tried in this one. */
  readonly untried?: boolean;
  /** AWS did not take what it was asked with: no right is missing, and nothing is in the way for a while. */
  readonly refused?: boolean;
  /** AWS took it several times, and it did not last: it waits for its time. */
  readonly undone?: boolean;
  /** Though it was not tried, a person is to hear of it. */
  readonly isNews?: boolean;
}
