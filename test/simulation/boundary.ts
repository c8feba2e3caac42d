import type { History } from './history.ts';
import type { Timeline } from './timeline.ts';

export type Target = 'aws' | 'table' | 'git';

/** How something that is called can fail by itself. Each target has its own words for it. */
export type Failure = 'throttled' | 'server-error' | 'timeout' | 'denied' | 'expired-credentials';

/** Who calls: a process that can be killed, stopped for a while, or cut off. */
export interface Caller {
  readonly name: string;
  readonly isAlive: () => boolean;
  /** Until when the process stands still; in the past when it does not. */
  readonly pausedUntil: () => number;
}

/** One call of a controller to the world outside. */
export interface Call<T = unknown> {
  readonly caller: Caller;
  readonly target: Target;
  /** Such as `ec2:CreateVpcEndpoint`. */
  readonly name: string;
  readonly isWrite: boolean;
  /** A look that repeats for as long as the process lives: a fault at one is a fault at any. */
  readonly isPoll?: boolean;
  readonly input: string;
  readonly perform: () => T | Promise<T>;
  /** Answers as the target does when it fails so. May throw. */
  readonly failWith: (failure: Failure) => T | Promise<T>;
  /** The answer of so many such calls before the last one, when it was another. */
  readonly stale?: (behind: number) => T | undefined;
  /** A page of the answer left out, or given twice, when it has several. */
  readonly paged?: (how: 'missing' | 'repeated') => T | undefined;
}

/** What becomes of one call. */
export type Verdict =
  | {
      readonly do: 'answer';
      /** For so long the answer is on its way. */
      readonly afterMs?: number;
    }
  | {
      readonly do: 'fail';
      readonly failure: Failure;
      readonly effect: 'none' | 'done';
      /** For so long the caller waits before it hears of it. */
      readonly afterMs?: number;
    }
  | { readonly do: 'stale'; readonly behind: number }
  | { readonly do: 'paged'; readonly how: 'missing' | 'repeated' }
  /** Nobody is there any more to hear the answer. */
  | { readonly do: 'vanish'; readonly effect: 'none' | 'done' };

export const ANSWER: Verdict = { do: 'answer' };

export interface BoundaryOptions {
  readonly timeline: Timeline;
  readonly history: History;
  readonly latencyMs: (target: Target) => number;
  /** Asked once for each call, in the order in which they arrive; the first has index 1. */
  readonly judge: (call: Call, index: number) => Verdict;
  /** Called after each answer, when somebody wants to know what could have gone wrong. */
  readonly onAnswer?: ((call: Call, index: number) => void) | undefined;
  /** Around what changes something outside: state before and after. */
  readonly onEffect: (call: Call, effect: () => unknown) => unknown;
}

interface Issued {
  readonly call: Call;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Where controllers end and the world begins: each call is one event of the timeline, with a number. */
export class Boundary {
  readonly #options: BoundaryOptions;
  readonly #underWay = new Set<Call>();
  #issued: Issued[] = [];
  #count = 0;

  constructor(options: BoundaryOptions) {
    this.#options = options;
    options.timeline.afterEach(() => this.#depart());
  }

  count(): number {
    return this.#count;
  }

  /** What was sent and has not arrived. */
  underWay(): readonly Call[] {
    return [...this.#underWay];
  }

  send<T>(call: Call<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const issued = { call, resolve: resolve as Issued['resolve'], reject };
      if (this.#options.latencyMs(call.target) === 0) this.#arrive(issued);
      else {
        this.#issued.push(issued);
        this.#underWay.add(call);
      }
    });
  }

  /** What was sent between two events was sent at once: its order must not depend on how a library schedules promises. */
  #depart(): void {
    if (this.#issued.length === 0) return;
    const issued = this.#issued.sort((a, b) => compare(orderOf(a.call), orderOf(b.call)));
    this.#issued = [];
    for (const one of issued) {
      this.#options.timeline.after(this.#options.latencyMs(one.call.target), () => this.#arrive(one));
    }
  }

  #arrive({ call, resolve, reject }: Issued): void {
    this.#underWay.delete(call);
    if (!call.caller.isAlive()) return;
    const index = ++this.#count;
    const verdict = this.#options.judge(call, index);
    const settle = this.#outcome(call, verdict, index);
    this.#options.onAnswer?.(call, index);
    if (verdict.do === 'vanish') return;
    const deliver = () => {
      if ('value' in settle) resolve(settle.value);
      else reject(settle.error);
    };
    const afterMs = verdict.do === 'fail' || verdict.do === 'answer' ? (verdict.afterMs ?? 0) : 0;
    if (afterMs === 0) this.#deliver(call, deliver);
    else this.#options.timeline.after(afterMs, () => call.caller.isAlive() && this.#deliver(call, deliver));
  }

  /** A process that stands still hears of it when it goes on. */
  #deliver(call: Call, deliver: () => void): void {
    const { timeline } = this.#options;
    const waitMs = call.caller.pausedUntil() - timeline.now();
    if (waitMs <= 0) deliver();
    else timeline.after(waitMs, () => call.caller.isAlive() && deliver());
  }

  #outcome(call: Call, verdict: Verdict, index: number): { value: unknown } | { error: unknown } {
    const { history, timeline } = this.#options;
    const note = (what: string) =>
      call.isPoll || history.add(timeline.now(), call.caller.name, `#${index} ${call.name} ${what}`);
    try {
      const value = this.#carryOut(call, verdict);
      note(verdict.do === 'answer' ? 'ok' : describe(verdict));
      return { value };
    } catch (error) {
      const name = error instanceof Error ? error.name : String(error);
      note(verdict.do === 'answer' ? name : `${describe(verdict)} ${name}`);
      return { error };
    }
  }

  #carryOut(call: Call, verdict: Verdict): unknown {
    const perform = () => (call.isWrite ? this.#options.onEffect(call, call.perform) : call.perform());
    switch (verdict.do) {
      case 'answer':
        return perform();
      case 'fail':
        if (verdict.effect === 'done') perform();
        return call.failWith(verdict.failure);
      case 'vanish':
        return verdict.effect === 'done' ? perform() : undefined;
      case 'stale': {
        const fresh = perform();
        return call.stale?.(verdict.behind) ?? fresh;
      }
      case 'paged':
        return call.paged?.(verdict.how) ?? perform();
    }
  }
}

function describe(verdict: Verdict): string {
  switch (verdict.do) {
    case 'answer':
      return 'ok';
    case 'fail':
      return `** ${verdict.failure} (effect ${verdict.effect})`;
    case 'stale':
      return `** stale by ${verdict.behind}`;
    case 'paged':
      return `** page ${verdict.how}`;
    case 'vanish':
      return `** crash (effect ${verdict.effect})`;
  }
}

function orderOf({ caller, target, name, input }: Call): string {
  return `${caller.name} ${target} ${name} ${input}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
