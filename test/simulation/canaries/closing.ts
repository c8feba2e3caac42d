import type { Canary } from './canary.ts';

/** Bugs in ending what is known while not all of AWS answers. */
export const CLOSING: readonly Canary[] = [
  {
    name: 'closing-waits-for-the-pass',
    like: 'a controller whose every end is a step of one long loop, which a refused list or a hung call holds up',
    file: 'reconcile/closing-lane.ts',
    find: 'if (reason === undefined) return [];',
    replace: 'if (reason === undefined || this.#calls.size >= 0) return [];',
    scenarios: ['expire-without-ec2-describesecuritygroups', 'expire-while-a-pass-hangs'],
  },
  {
    name: 'closing-waits-for-the-store',
    like: 'an access broker that reads what to revoke from its database first, and revokes nothing while that is away',
    file: 'reconcile/closing-read.ts',
    find: 'if (known === undefined) throw error;',
    replace: 'if (known !== null) throw error;',
    scenarios: ['expire-without-the-list-of-bastions'],
  },
  {
    name: 'closing-reversed',
    like: 'an access broker that switches the machine off under the people who are on it, and locks the door after',
    file: 'core/closing.ts',
    find: 'stageOf(a.observed.kind) - stageOf(b.observed.kind)',
    replace: 'stageOf(b.observed.kind) - stageOf(a.observed.kind)',
    scenarios: ['expire-exec-nat', 'expire-under-a-session'],
  },
  {
    name: 'refused-is-closed',
    like: 'an access broker that logs that a revocation failed, and counts it as done',
    file: 'reconcile/closing-lane.ts',
    find: 'if (!(error instanceof Fenced)) this.#news.refused(observed, explain(error));',
    replace: 'if (!(error instanceof Fenced)) this.#took(bastion, reason, observed, []);',
    scenarios: ['expire-half-throttled', 'suspend-half-failing', 'expire-endpoints-half-throttled'],
  },
  {
    name: 'unseen-is-unused',
    like: 'a garbage collector that takes the network from under a machine, since the list of machines was refused',
    file: 'core/order.ts',
    find: 'if (unseen !== undefined) return',
    replace: "if (unseen === '') return",
    scenarios: ['delete-after-a-restart-without-tasks', 'expire-without-ecs-listtasks'],
  },
  {
    name: 'unknown-is-off-the-record',
    like: 'a controller that writes the inventory of each pass over the last one, though it could not see all of it',
    file: 'core/status.ts',
    find: '!isKnown(kind as KindName) &&',
    replace: '!isKnown(kind as KindName) && keys.has(kind) &&',
    scenarios: ['restart-after-the-end-without-groups'],
  },
  {
    name: 'rule-without-its-id',
    like: 'a firewall automation that can only revoke what it finds in a full listing',
    file: 'kinds/grant.ts',
    find: 'id: ruleId ?? `',
    replace: 'id: `',
    scenarios: ['restart-after-the-end-without-groups'],
  },
];
