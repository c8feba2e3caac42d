import { usualBoundary } from '../../controller/core/foundation-objects.ts';
import { REGION } from '../reconcile/harness.ts';
import type { AroundCall } from '../simulation/aws-port.ts';
import { SCENARIOS } from '../simulation/scenarios/index.ts';
import { play } from '../simulation/schedule.ts';
import type { Request } from './asking.ts';
import { requestsOf } from './asks.ts';
import { LIVES } from './lives.ts';

/** As the stacks start the controller. */
export const BOUNDARY = usualBoundary(REGION);

interface Recording {
  readonly calls: number;
  readonly requests: readonly Request[];
  /** Calls of which nobody has said what AWS asks. */
  readonly unknown: readonly string[];
}

/** What AWS would ask of IAM for all that the controller calls in every scenario; one of those that differ in ids only. */
export async function recordScenarios(): Promise<Recording> {
  const requests = new Map<string, Request>();
  let calls = 0;
  const unknown = new Set<string>();
  const aroundCall: AroundCall = ({ call, simulator }, perform) => {
    calls += 1;
    // The scenarios stay in the simulator's own region; IAM is of none, whatever its calls are signed for.
    const asked = requestsOf({ call, aws: simulator });
    if (!asked) unknown.add(`${call.service}:${call.operation}`);
    const response = perform();
    // Of what is not there AWS says either that or that it is refused, and the next look shows that it is gone.
    if (response.status < 400) for (const one of asked ?? []) requests.set(withoutIds(one), one);
    return response;
  };
  const settings = { permissionsBoundary: BOUNDARY };
  for (const scenario of [...SCENARIOS, ...LIVES]) {
    const schedule = { scenario, faults: [], seed: 0, isStale: false, quietPasses: 0 };
    const { violations } = await play(schedule, { settings, aroundCall });
    if (violations.length > 0)
      throw new Error(`${scenario.name}: ${violations.map(({ what }) => what).join('; ')}`);
  }
  return { calls, requests: [...requests.values()], unknown: [...unknown] };
}

function withoutIds(request: Request): string {
  return JSON.stringify(request).replace(/\b[0-9a-f]{8,}\b/g, 'X');
}
