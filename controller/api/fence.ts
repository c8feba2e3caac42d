import type { ApiClient } from './client.ts';

/** Thrown instead of a call for which the time of this replica is over. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
  constructor(call: string) {
    super(`${call} was not sent: another replica may have taken over`);
  }
}

const WRITES: ReadonlySet<string | symbol> = new Set([
  ...['create', 'update', 'updateStatus', 'patch', 'jsonPatch', 'apply', 'delete'],
]);

/** The same API, for one who may write only as long as `mayWrite` says so: each write asks, and throws `Fenced` otherwise. */
export function fenceWrites(api: ApiClient, mayWrite: () => boolean): ApiClient {
  return {
    bastions: fence(api.bastions, { name: 'bastions', writes: WRITES, mayWrite }),
    events: fence(api.events, { name: 'events', writes: WRITES, mayWrite }),
    guards: fence(api.guards, { name: 'guards', writes: WRITES, mayWrite }),
    gitsources: api.gitsources,
  };
}

export interface FenceOptions {
  /** As an error names it. */
  readonly name: string;
  /** The methods that ask, all of which answer with a promise. */
  readonly writes: ReadonlySet<string | symbol>;
  readonly mayWrite: () => boolean;
}

export function fence<T extends object>(whole: T, { name, writes, mayWrite }: FenceOptions): T {
  return new Proxy(whole, {
    get(target, method) {
      const value: unknown = Reflect.get(target, method);
      if (typeof value !== 'function') return value;
      if (!writes.has(method)) return (...args: unknown[]): unknown => Reflect.apply(value, target, args);
      return async (...args: unknown[]) => {
        if (!mayWrite()) throw new Fenced(`${name}.${String(method)}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
}
