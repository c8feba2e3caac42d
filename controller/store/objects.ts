import type { KubeObject, ObjectName } from '../machinery/object.ts';
import { inTurns } from './let-others-run.ts';
import type { LogEntry } from './log.ts';
import { COLLECTIONS, type Collection } from './store.ts';
import type { Item, Table } from './table.ts';

/** What the log amounts to, one item an object; behind the log by at most its newest entry. */
export interface Objects {
  read(collection: Collection, name: ObjectName): Promise<KubeObject | undefined>;
  list(collection: Collection): Promise<ReadonlyMap<ObjectName, KubeObject>>;
  /** Idempotent, and harmless when late: an item only ever moves to a higher revision. */
  apply(entry: LogEntry): Promise<void>;
  /** The highest revision of any object; 0 when there is none. */
  newest(): Promise<number>;
  /** Whether it was deleted by a write, and not so long ago that this is forgotten. */
  isDeleted(collection: Collection, name: ObjectName): Promise<boolean>;
  dropTombstones(collection: Collection, beforeMs: number): Promise<void>;
}

const DROP_AT_ONCE = 10;

export function createObjects(table: Table): Objects {
  return {
    async read(collection, name) {
      const item = await table.get({ pk: partition(collection), sk: name });
      return item && parseObject(item);
    },
    async list(collection) {
      const found = new Map<ObjectName, KubeObject>();
      for (const item of await table.query({ pk: partition(collection) })) {
        const object = parseObject(item);
        if (object) found.set(item['sk'] as ObjectName, object);
      }
      return found;
    },
    async apply(entry) {
      const { collection, name, revision, timeMs } = entry;
      // A deletion leaves a tombstone, so that somebody slow who applies an earlier entry cannot bring the object back.
      const content = entry.type === 'DELETED' ? { deleted: true } : { object: JSON.stringify(entry.object) };
      await table.put(
        { pk: partition(collection), sk: name, revision, timeMs, ...content },
        { absentOrBelow: { attribute: 'revision', value: revision } },
      );
    },
    async newest() {
      let newest = 0;
      for (const collection of COLLECTIONS)
        for (const item of await table.query({ pk: partition(collection) }))
          newest = Math.max(newest, Number(item['revision']));
      return newest;
    },
    async isDeleted(collection, name) {
      return (await table.get({ pk: partition(collection), sk: name }))?.['deleted'] === true;
    },
    async dropTombstones(collection, beforeMs) {
      const items = await table.query({ pk: partition(collection) });
      const old = items.filter((item) => item['deleted'] === true && Number(item['timeMs']) < beforeMs);
      await inTurns(old, DROP_AT_ONCE, (item) =>
        table.remove(
          { pk: partition(collection), sk: String(item['sk']) },
          { equals: { revision: Number(item['revision']) } },
        ),
      );
    },
  };
}

function partition(collection: Collection): string {
  return `object#${collection}`;
}

function parseObject(item: Item): KubeObject | undefined {
  return item['deleted'] === true ? undefined : (JSON.parse(String(item['object'])) as KubeObject);
}
