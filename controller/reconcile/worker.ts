import type { ApiClient } from '../api/client.ts';
import type { Estate } from '../api/estate.ts';
import type { Aws } from '../aws/aws.ts';
import { verifiableAt } from '../core/conditions.ts';
import { NO_MEMORY } from '../core/guard.ts';
import { hasIdledOut, idleLookAt } from '../core/idle.ts';
import { NEVER_LISTED } from '../core/never-listed.ts';
import { isSettled } from '../core/plan.ts';
import type { Settings } from '../core/resource.ts';
import { EMPTY_SNAPSHOT } from '../core/snapshot.ts';
import { nextWake, type Wake } from '../core/wake.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Clock } from '../machinery/clock.ts';
import { objectName } from '../machinery/object.ts';
import type { Trace } from '../machinery/trace.ts';
import type { ActivationBook } from './activations.ts';
import type { Memory } from './memory.ts';
import type { Interests, Refresh } from './observe.ts';
import type { PassClosing } from './pass-closing.ts';
import { type Pass, reconcile } from './reconcile.ts';
import type { ScopeMemory } from './scope-memory.ts';

export interface WorkerOptions {
  readonly api: ApiClient;
  readonly connect: () => Aws;
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  readonly settings: Settings;
  readonly estate: Estate;
  readonly trace?: Trace | undefined;
  readonly shrinkLimit: number;
  readonly activations: ActivationBook;
  readonly sources?: readonly string[] | undefined;
  readonly mayMutate: () => boolean;
  /** Left out: nothing of this scope is remembered from one process to the next. */
  readonly scopeMemory?: ScopeMemory | undefined;
  readonly closing?: PassClosing | undefined;
}

/** Runs the passes of one scope, one at a time, and remembers between them what makes the next one cheap. */
export class ScopeWorker {
  readonly #options: WorkerOptions;
  #memory: Memory;
  #failedPasses = 0;
  /** When what cannot be read was asked for last, by the monotonic clock. */
  #triedAt = Number.NEGATIVE_INFINITY;
  #pollingPasses = 0;
  #hurriedPasses = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    // Whoever led before may have died in the middle of a call.
    const doubtedMs = options.clock.monotonic();
    this.#memory = { snapshot: EMPTY_SNAPSHOT, guard: NO_MEMORY, sequence: 1, doubtedMs };
  }

  /** @returns the pass and when to come back */
  async run(refresh: Refresh, interests: Interests): Promise<{ pass: Pass; wake: Wake }> {
    const { connect, ...rest } = this.#options;
    const { scopeMemory } = rest;
    const pass = await reconcile(this.#memory, {
      ...rest,
      aws: connect(),
      refresh,
      interests,
      rememberScope: async (seen) => scopeMemory?.remember(seen),
      keep: (memory) => {
        this.#memory = memory;
      },
      settleScope: async (seen) => scopeMemory?.settle(seen),
    });
    this.#memory = pass.memory;
    this.#noteFailures(pass, refresh);
    return { pass, wake: this.#wakeAfter(pass) };
  }

  /** A pass that looks elsewhere neither counts as a try nor puts the next one off. */
  #noteFailures({ observed }: Pass, refresh: Refresh): void {
    const failed = [...observed.failures.keys()];
    const isTried =
      typeof refresh === 'string' || failed.some((name) => name !== 'facts' && refresh.has(name));
    if (failed.length === 0) this.#failedPasses = 0;
    else if (isTried || this.#failedPasses === 0) {
      this.#failedPasses += 1;
      this.#triedAt = this.#options.clock.monotonic();
    }
  }

  #wakeAfter(pass: Pass): Wake {
    const { clock } = this.#options;
    // A thousand Bastions take longer than one: as long as something gets done, nothing has lasted too long yet.
    const moves = isSettled(pass.plan) || pass.outcomes.some(({ result }) => result === 'done');
    this.#pollingPasses = moves ? 0 : this.#pollingPasses + 1;
    const now = clock.now();
    const verifiable = verifiableIn(pass, now);
    const recorded = isRecorded(pass) || isIdledOut(pass) || isJustClosed(pass);
    const isHurried = recorded || (verifiable !== undefined && verifiable <= now);
    this.#hurriedPasses = isHurried ? this.#hurriedPasses + 1 : 0;
    return nextWake({
      outcomes: pass.outcomes,
      touched: pass.touched,
      listedAt: (kind) => pass.observed.parts.get(kind)?.observedAt ?? 0,
      lives: pass.bastions.flatMap((bastion) => pass.wishes.lives.get(objectName(bastion)) ?? []),
      unknown: pass.observed.failures.size > 0,
      verifiableAt: verifiable,
      idleLookAt: idleLookIn(pass, now),
      ending: isEnding(pass),
      guarded: pass.guarded,
      recorded,
      hurriedPasses: this.#hurriedPasses,
      failedPasses: this.#failedPasses,
      triedAgoMs: clock.monotonic() - this.#triedAt,
      pollingPasses: this.#pollingPasses,
      now,
    });
  }
}

/** When the next complete look can say of something that it is gone. */
function verifiableIn({ statuses, shrink }: Pass, now: number): number | undefined {
  const times = [...statuses.values()].flatMap(({ conditions }) => verifiableAt(conditions, now) ?? []);
  const all = shrink.state === 'going' ? [now, ...times] : times;
  return all.length > 0 ? Math.min(...all) : undefined;
}

function idleLookIn({ bastions, statuses }: Pass, now: number): number | undefined {
  const times = bastions.flatMap((bastion) => {
    const after = statuses.get(objectName(bastion));
    return (after && idleLookAt(bastion, after, now)) ?? [];
  });
  return times.length > 0 ? Math.min(...times) : undefined;
}

function isEnding({ statuses, wishes }: Pass): boolean {
  return [...statuses].some(([name, { conditions }]) => {
    const isTornDown = conditions?.some(({ type, status }) => type === 'TornDown' && status === 'True');
    return wishes.lives.get(name)?.state !== 'active' && !isTornDown;
  });
}

/** It has put on record that some Bastion is over for being idle. */
export function isIdledOut({ statuses, wishes }: Pass): boolean {
  return [...statuses].some(([name, after]) => hasIdledOut(wishes.lives.get(name), after));
}

/** It stands in its status now, so it may be closed. */
function isJustClosed({ bastions, statuses }: Pass): boolean {
  return bastions.some((bastion) => {
    const after = statuses.get(objectName(bastion));
    const isClosed = (status: typeof after) =>
      status?.conditions?.some(({ reason }) => reason === NEVER_LISTED);
    return after !== undefined && isClosed(after) && !isClosed(bastion.status);
  });
}

/** An end is on record now, so a successor may be made. */
function isRecorded({ outcomes }: Pass): boolean {
  return outcomes.some(({ step, result }) => {
    if (step.observed?.state !== 'gone') return false;
    if (step.action === 'create') return result === 'done';
    return step.action === 'wait' && step.notBefore === undefined && !step.desired?.external;
  });
}
