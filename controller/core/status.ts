import type {
  Bastion,
  BastionStatus,
  Condition,
  ConditionType,
  Phase,
  ResourceStatus,
} from '../api/bastion.ts';
import { suspensionText } from '../api/suspension.ts';
import { rfc3339 } from '../machinery/clock.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { activationOf } from './activation.ts';
import { acceptedCondition, activeConditions, endedConditions, stamp } from './conditions.ts';
import { isEarlier } from './end.ts';
import { type Facts, NO_FACTS } from './facts.ts';
import { type Held, withheldVerdict } from './held.ts';
import { type SessionsSeen, useOf } from './idle.ts';
import type { Life } from './lifetime.ts';
import { networkPath } from './network-path.ts';
import { NO_ORIGINS, type Origins, sourceVerdict } from './origin.ts';
import type { Outcome } from './outcome.ts';
import type { KindName, Observed, Problem } from './resource.ts';
import { resolveTargets } from './targets.ts';
import { verification } from './verification.ts';

export interface StatusContext {
  readonly lives: ReadonlyMap<ObjectName, Life>;
  readonly problems: ReadonlyMap<ObjectName, readonly Problem[]>;
  readonly outcomes: readonly Outcome[];
  readonly facts: Facts;
  /** Whether all of a kind is known; left out: of each. */
  readonly isKnown?: (kind: KindName) => boolean;
  /** Every kind was listed anew, without a failure. */
  readonly complete: boolean;
  /** Why stop schedules could not be looked at. */
  readonly unseen?: string | undefined;
  readonly conditionOf: (kind: KindName) => ConditionType;
  /** What a person should know about an observed resource of this Bastion. */
  readonly diagnose: (bastion: Bastion, observed: Observed) => string | undefined;
  /** What a guard holds back of whom. */
  readonly held?: ReadonlyMap<ObjectName, Held>;
  readonly sessions?: SessionsSeen;
  /** What AWS has refused of whose wishes. */
  readonly leftOut?: ReadonlyMap<ObjectName, string>;
  readonly origins?: Origins;
  readonly now: number;
}

/** What the plan and its outcomes mean for each Bastion. */
export function statuses(
  bastions: readonly Bastion[],
  context: StatusContext,
): Map<ObjectName, BastionStatus> {
  const byOwner = groupByOwner(context.outcomes);
  return new Map(
    bastions.map((bastion) => {
      const name = objectName(bastion);
      return [name, statusOf(bastion, byOwner.get(name) ?? [], context)];
    }),
  );
}

function groupByOwner(outcomes: readonly Outcome[]): Map<ObjectName, Outcome[]> {
  const groups = new Map<ObjectName, Outcome[]>();
  for (const outcome of outcomes) {
    for (const owner of outcome.step.owners) {
      const group = groups.get(owner);
      if (group) group.push(outcome);
      else groups.set(owner, [outcome]);
    }
  }
  return groups;
}

function statusOf(bastion: Bastion, outcomes: readonly Outcome[], context: StatusContext): BastionStatus {
  const life = context.lives.get(objectName(bastion)) ?? {
    state: 'invalid' as const,
    message: 'not looked at yet',
  };
  const problems = context.problems.get(objectName(bastion)) ?? [];
  const isUnknown = life.state === 'active' && context.facts === NO_FACTS;
  const resources = isUnknown ? (bastion.status?.resources ?? []) : resourcesOf(bastion, outcomes, context);
  const verdicts =
    life.state === 'active'
      ? activeConditions({
          bastion,
          outcomes,
          problems,
          conditionOf: context.conditionOf,
          describe: describeIn(bastion, context),
        })
      : endedConditions(life, outcomes, verification(bastion, outcomes, context), suspensionText(bastion));
  const held = context.held?.get(objectName(bastion));
  const active = life.state === 'active' ? activeFields(bastion, outcomes, context) : undefined;
  const use = useOf({
    ...{ bastion, life, now: context.now, seen: context.sessions ?? { look: 'none' } },
    isReady: verdicts.some(({ type, status }) => type === 'Ready' && status === 'True'),
    sessionTarget: active?.sessionTarget,
  });
  const synced = sourceVerdict(bastion, context.origins ?? NO_ORIGINS, context.now);
  const all = [
    acceptedCondition(bastion, life, problems, context.leftOut?.get(objectName(bastion))),
    ...verdicts,
    ...(use.verdict ? [use.verdict] : []),
    ...(synced ? [synced] : []),
    ...(held ? [withheldVerdict(held)] : []),
  ];
  const conditions = stamp(bastion, all, context.now);
  const tornDown = conditions.some((one) => one.type === 'TornDown' && one.status === 'True');
  return {
    observedGeneration: bastion.metadata.generation,
    phase: phaseOf(bastion, life, conditions, problems),
    ...activationOf(bastion, life, context.now),
    ...('opensAt' in life && life.opensAt !== undefined ? { nextActivationAt: rfc3339(life.opensAt) } : {}),
    ...(active ?? leftovers(bastion, tornDown)),
    ...(use.idle ? { idle: use.idle } : {}),
    conditions,
    resources,
  };
}

function describeIn(bastion: Bastion, context: StatusContext): (observed: Observed) => string | undefined {
  return (observed) => context.diagnose(bastion, observed) ?? observed.message;
}

function activeFields(bastion: Bastion, outcomes: readonly Outcome[], context: StatusContext): BastionStatus {
  const observed = outcomes.flatMap(({ step }) => (step.observed ? [step.observed] : []));
  const sessionTarget = observed.find(
    (one) => one.sessionTarget !== undefined && one.state === 'ready',
  )?.sessionTarget;
  const task = taskRecord(bastion, observed, context);
  const hasEnded = task?.lastStoppedArn !== bastion.status?.task?.lastStoppedArn;
  const kept = sessionTarget ?? (hasEnded ? undefined : bastion.status?.sessionTarget);
  // The path stays for the activation once it is chosen, so it is not chosen on facts that are missing or refused.
  const troubled = (context.problems.get(objectName(bastion)) ?? []).some(({ partial }) => !partial);
  const path = troubled ? bastion.status?.networkPath : networkPath(bastion, context.facts);
  const targets = resolveTargets(bastion, context.facts).targets;
  return {
    ...(targets.length > 0 ? { targets: [...targets] } : {}),
    ...(kept ? { sessionTarget: kept } : {}),
    ...(path ? { networkPath: path } : {}),
    ...(task ? { task } : {}),
  };
}

/** Who had a session on what must be known until the session is ended. */
function leftovers(bastion: Bastion, tornDown: boolean): BastionStatus {
  const { sessionTarget } = bastion.status ?? {};
  return tornDown || !sessionTarget ? {} : { sessionTarget };
}

/** A task that ran this long had nothing wrong with it from the start. */
const LONG_RUN_MS = 10 * 60_000;

function taskRecord(
  bastion: Bastion,
  observed: readonly Observed[],
  context: StatusContext,
): BastionStatus['task'] {
  const life = context.lives.get(objectName(bastion));
  const activatedAt = life?.state === 'active' ? rfc3339(life.activatedAt) : undefined;
  const isOnRecord = activatedAt !== undefined && isContinued(bastion, activatedAt);
  const record = isOnRecord ? bastion.status?.task : undefined;
  const ended = observed.find(({ state, end }) => state === 'gone' && end && !isEarlier(end, activatedAt));
  if (!ended?.end || ended.id === record?.lastStoppedArn) return record;
  const { at, ranMs, failed } = ended.end;
  const before = ranMs >= LONG_RUN_MS ? 0 : (record?.failures ?? 0);
  return {
    attempt: (record?.attempt ?? 0) + 1,
    failures: failed ? before + 1 : 0,
    lastStoppedArn: ended.id,
    lastStoppedAt: rfc3339(at),
    lastStoppedReason: context.diagnose(bastion, ended) ?? ended.message ?? 'no reason given',
  };
}

/** Where windows overlap, one activation goes over into the next, and what wears its tasks out does so too. */
function isContinued({ status }: Bastion, activatedAt: string): boolean {
  if (status?.activatedAt === undefined || status.activatedAt > activatedAt) return false;
  return status.activatedAt === activatedAt || activatedAt < (status.expiresAt ?? '');
}

function phaseOf(
  bastion: Bastion,
  life: Life,
  conditions: readonly Condition[],
  problems: readonly Problem[],
): Phase {
  const is = (type: ConditionType) => conditions.some((one) => one.type === type && one.status === 'True');
  if (life.state === 'deleted') return 'Terminating';
  if (life.state === 'invalid') return 'Failed';
  if (life.state !== 'active') {
    if (isClosing(bastion, conditions)) return 'Terminating';
    if (life.state === 'suspended') return 'Suspended';
    return life.state === 'scheduled' || life.opensAt !== undefined ? 'Scheduled' : 'Expired';
  }
  if (is('Ready')) return 'Ready';
  if (wasReady(bastion, life.activatedAt)) return 'Degraded';
  if (
    problems.some((problem) => !problem.passing && !problem.partial) ||
    (bastion.status?.task?.failures ?? 0) >= 3
  )
    return 'Failed';
  if (is('TaskRunning') && problems.some((problem) => !problem.passing)) return 'Degraded';
  return bastion.status?.phase === undefined ? 'Pending' : 'Provisioning';
}

/** What never was open has nothing to end, though that is looked at as well. */
function isClosing({ status }: Bastion, conditions: readonly Condition[]): boolean {
  const tornDown = conditions.find(({ type }) => type === 'TornDown')?.status;
  return tornDown === 'False' || (tornDown === 'Unknown' && status?.activatedAt !== undefined);
}

function wasReady(bastion: Bastion, activatedAt: number): boolean {
  const { status } = bastion;
  return (
    status?.activatedAt === rfc3339(activatedAt) && (status.phase === 'Ready' || status.phase === 'Degraded')
  );
}

function resourcesOf(
  bastion: Bastion,
  outcomes: readonly Outcome[],
  context: StatusContext,
): ResourceStatus[] {
  const before = bastion.status?.resources ?? [];
  const recorded = new Map(before.map((resource) => [resource.key, resource.id]));
  const told = outcomes
    .filter(({ step }) => !(step.desired?.external === 'optional' && !step.observed))
    .map((outcome) => {
      const { step } = outcome;
      const { observed } = step;
      // The id of one that is gone is kept: it tells the next one's client token from its predecessor's.
      const id = observed?.id ?? recorded.get(step.key);
      const message =
        outcome.message ?? (observed && context.diagnose(bastion, observed)) ?? messageOf(outcome);
      return {
        kind: step.kind,
        key: step.key,
        ...(id === undefined ? {} : { id }),
        state: stateOf(outcome),
        ...(step.desired?.shared ? { shared: true } : {}),
        ...(step.action === 'adopt' ? { adopted: true } : {}),
        ...(message === undefined ? {} : { message }),
      };
    });
  return [...told, ...unknownOf(before, told, context)].sort((a, b) =>
    a.key < b.key ? -1 : a.key > b.key ? 1 : (a.id ?? '') < (b.id ?? '') ? -1 : 1,
  );
}

/** What nobody can say to be gone stays on record: by it the next controller closes it. */
function unknownOf(
  before: readonly ResourceStatus[],
  told: readonly ResourceStatus[],
  { isKnown = () => true }: StatusContext,
): readonly ResourceStatus[] {
  const keys = new Set(told.map(({ key }) => key));
  return before.filter(
    ({ kind, key, state }) => !isKnown(kind as KindName) && !keys.has(key) && state !== 'Deleted',
  );
}

function messageOf({ step }: Outcome): string | undefined {
  return step.action === 'keep' ? undefined : step.why;
}

/** One word per resource, for the table that people read. */
function stateOf({ step, result }: Outcome): string {
  if (result === 'failed') return 'Failed';
  switch (step.action) {
    case 'keep':
      return 'Ready';
    case 'adopt':
      return 'Adopted';
    case 'create':
    case 'update':
      if (result === 'done') return step.observed?.state === 'ready' ? 'Ready' : 'Pending';
      return result === 'waiting' ? 'Waiting' : 'Pending';
    case 'delete':
      return result === 'done' && step.observed?.state === 'gone' ? 'Deleted' : 'Deleting';
    case 'wait':
      return step.observed?.state === 'deleting' ? 'Deleting' : 'Pending';
    case 'blocked':
      return 'Blocked';
    case 'withheld':
      return 'Withheld';
  }
}
