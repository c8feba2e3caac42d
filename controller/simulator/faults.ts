import { AwsFault } from './world.ts';

/** A failure to be injected. Without `service` or `operation` it applies to every one. */
export interface Fault {
  readonly service?: string;
  readonly operation?: string;
  /** The first matching call that fails: 1 (the default) is the next one. */
  readonly nth?: number;
  /** For how many matching calls in a row; default 1. */
  readonly times?: number;
  /** `before`: refused, nothing happens. `after`: the effect happens and the caller sees an error. `lost`: it happens
   * and the connection breaks without a reply. */
  readonly when?: 'before' | 'after' | 'lost';
  readonly code?: string;
  readonly message?: string;
  readonly status?: number;
}

/** The connection broke: the caller cannot know whether the request took effect. */
export class LostReply extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ECONNRESET';
}

interface Armed {
  readonly fault: Fault;
  seen: number;
}

/** Of the services that do not say AccessDeniedException. */
const DENIALS: Readonly<Record<string, string>> = {
  ...{ ec2: 'UnauthorizedOperation', iam: 'AccessDenied', sts: 'AccessDenied' },
  ...{ rds: 'AccessDenied', elasticache: 'AccessDenied' },
};

/** Faults that tests put in the way of requests. */
export class Faults {
  #armed: Armed[] = [];

  /** Arms a fault; the returned function disarms it. */
  add(fault: Fault): () => void {
    const armed = { fault, seen: 0 };
    this.#armed.push(armed);
    return () => {
      this.#armed = this.#armed.filter((other) => other !== armed);
    };
  }

  /** Denies the operation, until disarmed, the way that service does. */
  deny(service: string, operation: string): () => void {
    const code = DENIALS[service];
    const message = `You are not authorized to perform: ${service}:${operation}`;
    const status = code ? 403 : 400;
    return this.add({
      service,
      operation,
      times: Infinity,
      code: code ?? 'AccessDeniedException',
      message,
      status,
    });
  }

  clear(): void {
    this.#armed = [];
  }

  /** Runs `effect` with whatever fault applies to this call. @throws AwsFault | LostReply */
  around<T>(service: string, operation: string, effect: () => T): T {
    const fault = this.#next(service, operation);
    if (!fault) return effect();
    const status = fault.status ?? (fault.code ? 400 : 500);
    const error = new AwsFault(fault.code ?? 'InternalError', fault.message ?? 'An injected fault.', status);
    if ((fault.when ?? 'before') === 'before') throw error;
    effect();
    throw fault.when === 'lost' ? new LostReply('The connection was closed before a reply came.') : error;
  }

  /** Every matching fault counts the call; the first one that is due is used. */
  #next(service: string, operation: string): Fault | undefined {
    let due: Fault | undefined;
    for (const armed of this.#armed) {
      const { fault } = armed;
      if (fault.service !== undefined && fault.service !== service) continue;
      if (fault.operation !== undefined && fault.operation !== operation) continue;
      armed.seen += 1;
      const first = fault.nth ?? 1;
      if (armed.seen >= first && armed.seen < first + (fault.times ?? 1)) due ??= fault;
    }
    return due;
  }
}
