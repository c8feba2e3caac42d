import { explain } from '../../aws/errors.ts';
import { type Clock, within } from '../../machinery/clock.ts';
import type { ControllerState } from '../../reconcile/manager.ts';

/** Probes of load balancers and kubelets give up after a few seconds, and then say less. */
const MAX_WAIT_MS = 2_000;

/** Why a controller could not do its work, or take it over; empty when it can. */
export async function unreadiness(
  readLease: () => Promise<unknown>,
  state: ControllerState,
  clock: Clock,
): Promise<readonly string[]> {
  const reasons: string[] = [];
  try {
    await within(clock, MAX_WAIT_MS, readLease);
  } catch (error) {
    reasons.push(`the store does not answer: ${explain(error)}`);
  }
  if (state.halted !== undefined) reasons.push(state.halted);
  else if (state.isLeading && !state.isServing)
    reasons.push('it leads, and does not know yet whose store this is');
  return reasons;
}
