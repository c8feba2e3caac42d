import type { Bastion, BastionStatus, ConditionType } from '../../controller/api/bastion.ts';
import { NO_FACTS } from '../../controller/core/facts.ts';
import type { Life } from '../../controller/core/lifetime.ts';
import type { Outcome } from '../../controller/core/outcome.ts';
import type { Action, Step } from '../../controller/core/plan.ts';
import type { Desired, Key, KindName, Observed } from '../../controller/core/resource.ts';
import { type StatusContext, statuses } from '../../controller/core/status.ts';
import { rfc3339 } from '../../controller/machinery/clock.ts';
import { type SampleOptions, seenOf, wantedOf } from './sample.ts';

export const NOW = Date.parse('2026-11-23T10:00:00Z');
export const HOUR = 3_600_000;
export const ORDERS = 'default/orders';
const FACTS = { ...NO_FACTS, accountId: '1', region: 'r' };
export const ACTIVE = {
  state: 'active',
  activatedAt: NOW - HOUR,
  expiresAt: NOW + HOUR,
  clamped: false,
} as const satisfies Life;
export const EXPIRED = {
  state: 'expired',
  activatedAt: NOW - 2 * HOUR,
  expiredAt: NOW - HOUR,
} as const satisfies Life;

const CONDITIONS: Partial<Record<KindName, ConditionType>> = {
  'iam-role': 'IdentityReady',
  'vpc-endpoint': 'NetworkReady',
  task: 'TaskRunning',
};
export const TASK: Key = 'task/default/orders';
export const ROLE: Key = 'iam-role/execution';
export const ENDPOINT: Key = 'vpc-endpoint/vpc-1/logs';

interface StepOptions {
  readonly wanted?: Partial<Desired>;
  readonly seen?: Partial<Observed>;
  readonly why?: string;
}

export function outcome(
  action: Action,
  key: Key,
  result: Outcome['result'],
  options: StepOptions = {},
  message?: string,
): Outcome {
  const observed = options.seen && seenOf(key, options.seen);
  const desired = action === 'delete' ? undefined : wantedOf(key, options.wanted);
  const step: Step = {
    action,
    kind: wantedOf(key).kind,
    key,
    why: options.why ?? 'because',
    owners: [ORDERS],
    ...(desired ? { desired } : {}),
    ...(observed ? { observed } : {}),
  };
  return { step, result, ...(message === undefined ? {} : { message }) };
}

export const kept = (key: Key, seen: Partial<Observed> = {}) => outcome('keep', key, 'idle', { seen });
export const UP = [kept(ROLE), kept(ENDPOINT), kept(TASK, { sessionTarget: 'ecs:x' })];

export function statusOf(
  bastion: Bastion,
  outcomes: readonly Outcome[],
  life: Life = ACTIVE,
  more: Partial<StatusContext> = {},
) {
  const context: StatusContext = {
    lives: new Map([[ORDERS, life]]),
    problems: new Map(),
    outcomes,
    facts: FACTS,
    complete: true,
    conditionOf: (kind) => CONDITIONS[kind] ?? 'Ready',
    diagnose: () => undefined,
    now: NOW,
    ...more,
  };
  const status = statuses([bastion], context).get(ORDERS);
  if (!status) throw new Error('no status');
  return status;
}

export const conditionIn = (status: BastionStatus, type: ConditionType) =>
  status.conditions?.find((one) => one.type === type);

export const openBefore = (more: Partial<BastionStatus> = {}): SampleOptions => ({
  status: { observedGeneration: 1, activatedAt: rfc3339(NOW - HOUR), ...more },
});
