import type { ApiClient } from './client.ts';

/** Thrown instead of a call for which the time of this replica is over. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
  constructor(call: string) {
    super(`${call} was not sent: another replica may have taken over`);
  }
}

const WRITES: ReadonlySet<string | symbol> = new Set(['create', 'update', 'updateStatus', 'patch', 'delete']);

/** The same API, for one who may write only as long as `mayWrite` says so: each write asks, and throws `Fenced` otherwise. */
export function fenceWrites(api: ApiClient, mayWrite: () => boolean): ApiClient {
  return {
    bastions: fence(api.bastions, 'bastions', mayWrite),
    events: fence(api.events, 'events', mayWrite),
    guards: fence(api.guards, 'guards', mayWrite),
  };
}

function fence<T extends object>(resources: T, collection: string, mayWrite: () => boolean): T {
  return new Proxy(resources, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || !WRITES.has(name)) return value;
      return async (...args: unknown[]) => {
        if (!mayWrite()) throw new Fenced(`${collection}.${String(name)}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
}
