import type { Plan, Step } from './plan.ts';
import { type Key, KIND_NAMES, type KindName, type Observed } from './resource.ts';

const RANK = new Map(KIND_NAMES.map((name, rank) => [name, rank]));

/** The part of a kind that says what must be gone before it may go. */
export interface Leaver {
  readonly name: KindName;
  /** Kinds of the same Bastion that leave first, although no id ties them together. */
  readonly leavesAfter?: readonly KindName[];
}

/** Teardown before construction, grants and tasks first; creations in the order of dependency. */
export function inOrder(plan: Plan): readonly Step[] {
  const rank = (step: Step) => RANK.get(step.kind) ?? 0;
  const removals = plan.steps.filter((step) => step.action === 'delete');
  const others = plan.steps.filter((step) => step.action !== 'delete');
  return [...removals.sort((a, b) => rank(b) - rank(a)), ...others.sort((a, b) => rank(a) - rank(b))];
}

/** What lets somebody in, in the order in which it is ended; all else comes after. */
export const ENTRANCES: readonly KindName[] = ['session', 'target-ingress', 'task'];

/**
 * Steps of a lower stage are tried before those of a higher one begin. An entrance that cannot be closed does not keep the
 * next one open: only the order is promised, not the success.
 */
export function stageOf({ action, kind }: Step): number {
  const entrance = action === 'delete' ? ENTRANCES.indexOf(kind) : -1;
  return entrance < 0 ? ENTRANCES.length : entrance;
}

/**
 * Which kinds may use one of a kind while they live. What uses what shows only in what was listed: while a list of one of these
 * is missing, nobody can say that it is used no more. Sessions end with their task and are not waited for.
 */
const USERS: Readonly<Partial<Record<KindName, readonly KindName[]>>> = {
  'iam-role': ['activation', 'task-definition', 'task', 'managed-instance'],
  'log-group': ['task-definition', 'task'],
  'ecs-cluster': ['task'],
  'security-group': ['vpc-endpoint', 'task', 'target-ingress'],
  'vpc-endpoint': ['task', 'managed-instance'],
  activation: ['task', 'managed-instance'],
  'task-definition': ['task'],
  'managed-instance': ['task'],
};

/** Changes as a pass goes on: what was created is there, what was removed is not. */
export interface Progress {
  readonly isReady: (key: Key) => boolean;
  /** Ours, and not on its way out. */
  readonly isThere: (key: Key) => boolean;
  /** Live resources (not `gone`) that name `id` among what they use. */
  readonly usersOf: (id: string) => readonly Observed[];
  /** Resources on their way out that name `key` among what they use: it stays until they are gone. */
  readonly leavingUsersOf: (key: Key) => readonly Observed[];
  /** Live resources of these kinds that belong to the same Bastion and are to go. */
  readonly leaving: (kinds: readonly KindName[], owner: string) => readonly Observed[];
  /** Why it is not known what there is of a kind; undefined when it is. */
  readonly unknown: (kind: KindName) => string | undefined;
}

/** Undefined when the step may run now; otherwise what it waits for. */
export function hindrance(step: Step, leaver: Leaver, progress: Progress): string | undefined {
  if (step.action === 'create' || step.action === 'update') {
    const { needs = [], follows = [] } = step.desired ?? {};
    const missing = [
      ...needs.filter((key) => !progress.isReady(key)),
      ...follows.filter((key) => !progress.isThere(key)),
    ];
    return missing.length > 0 ? `waits for ${missing.join(', ')}` : undefined;
  }
  if (step.action !== 'delete' || !step.observed) return undefined;
  const unseen = (USERS[step.kind] ?? []).map(progress.unknown).find((why) => why !== undefined);
  if (unseen !== undefined) return `may still be used: ${unseen}`;
  const users = [
    ...progress.usersOf(step.observed.id),
    ...(step.desired ? [] : progress.leavingUsersOf(step.key)),
  ];
  if (users.length > 0) return `still used by ${names(users)}`;
  const first = step.observed.owner ? progress.leaving(leaver.leavesAfter ?? [], step.observed.owner) : [];
  return first.length > 0 ? `goes after ${names(first)}` : undefined;
}

function names(resources: readonly Observed[]): string {
  const shown = resources.slice(0, 3).map((resource) => resource.key);
  return shown.join(', ') + (resources.length > 3 ? ` and ${resources.length - 3} more` : '');
}
