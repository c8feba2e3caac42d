import type { KubeObject } from '../../controller/machinery/object.ts';
import {
  type Change,
  type Collection,
  ExpiredError,
  type Store,
  StoreUnavailableError,
} from '../../controller/store/store.ts';

/** What a reader knows who lists once, watches from there, and lists again only when history is gone. */
export interface Mirror {
  readonly state: ReadonlyMap<string, KubeObject>;
  readonly changes: readonly Change[];
  /** What ended it, other than `stop`. */
  readonly failure: unknown;
  stop(): Promise<void>;
}

export function startMirror(store: Store, collection: Collection): Mirror {
  const stop = new AbortController();
  const changes: Change[] = [];
  let state = new Map<string, KubeObject>();
  let from: number | undefined;
  let failure: unknown;

  async function follow(): Promise<void> {
    if (from === undefined) {
      const { items, revision } = await store.list(collection);
      state = new Map(items.map((item) => [item.metadata.name, item]));
      from = revision;
    }
    for await (const change of store.watch({ collection, from, signal: stop.signal })) {
      if (change.revision <= from) throw new Error(`change ${change.revision} came after ${from}`);
      from = change.revision;
      changes.push(change);
      if (change.type === 'DELETED') state.delete(change.object.metadata.name);
      else state.set(change.object.metadata.name, change.object);
    }
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (error instanceof ExpiredError) from = undefined;
        else if (!(error instanceof StoreUnavailableError)) throw error;
      }
    }
  }

  const running = run().catch((error: unknown) => {
    failure = error;
  });
  return {
    changes,
    get state() {
      return state;
    },
    get failure() {
      return failure;
    },
    async stop() {
      stop.abort();
      await running;
    },
  };
}
