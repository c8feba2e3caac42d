import { explain } from '../aws/errors.ts';
import type { ControllerState } from '../reconcile/manager.ts';

/** Why a controller could not do its work, or take it over; empty when it can. */
export async function unreadiness(
  readLease: () => Promise<unknown>,
  state: ControllerState,
): Promise<readonly string[]> {
  const reasons: string[] = [];
  try {
    await readLease();
  } catch (error) {
    reasons.push(`the store does not answer: ${explain(error)}`);
  }
  if (state.halted !== undefined) reasons.push(state.halted);
  else if (state.isLeading && !state.isServing)
    reasons.push('it leads, and does not know yet whose store this is');
  return reasons;
}
