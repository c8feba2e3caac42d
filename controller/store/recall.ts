import type { KubeObject, ObjectName } from '../machinery/object.ts';
import type { LogEntry } from './log.ts';
import type { Objects } from './objects.ts';
import type { Collection } from './store.ts';

/** Reads objects, but none again that cannot have changed since: the newest entry of the log tells. */
export interface Recall {
  /** @param head the log's newest entry, read before this is called, and applied unless it is about another object */
  read(head: LogEntry | undefined, collection: Collection, name: ObjectName): Promise<KubeObject | undefined>;
}

/** Of the names and of the objects as JSON: names alone, of what does not exist, would add up without end too. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

export function createRecall(objects: Pick<Objects, 'read'>): Recall {
  const texts = createTexts();
  let newest: Pick<LogEntry, 'revision' | 'write'> = { revision: 0, write: '' };
  /** Some head was older than the newest: read long ago, or of a table that was emptied and comes up from below again. */
  let isDoubted = false;

  /** @returns false for a head that was read before one that is known already. */
  function moveTo(head: LogEntry): boolean {
    if (head.revision < newest.revision) {
      isDoubted = true;
      return false;
    }
    if (head.write === newest.write) return true;
    if (isDoubted || head.revision !== newest.revision + 1) texts.clear();
    isDoubted = false;
    newest = { revision: head.revision, write: head.write };
    texts.keep(keyOf(head.collection, head.name), head.type === 'DELETED' ? undefined : head.object);
    return true;
  }

  return {
    async read(head, collection, name) {
      if (!head || !moveTo(head)) return objects.read(collection, name);
      const key = keyOf(collection, name);
      if (texts.has(key)) return texts.objectOf(key);
      const object = await objects.read(collection, name);
      // Others may have gone on meanwhile: then it says nothing about the revision that is known now.
      if (newest.write === head.write) texts.keep(key, object);
      return object;
    },
  };
}

/** Objects, all as they are at one revision; undefined stands for one that does not exist. */
function createTexts() {
  const texts = new Map<string, string | undefined>();
  let characters = 0;

  function forget(key: string): void {
    if (!texts.has(key)) return;
    characters -= sizeOf(key, texts.get(key));
    texts.delete(key);
  }

  return {
    has: (key: string) => texts.has(key),
    objectOf(key: string): KubeObject | undefined {
      const text = texts.get(key);
      return text === undefined ? undefined : (JSON.parse(text) as KubeObject);
    },
    /** What was kept first gives way. */
    keep(key: string, object: KubeObject | undefined): void {
      forget(key);
      const text = object && JSON.stringify(object);
      texts.set(key, text);
      characters += sizeOf(key, text);
      for (const oldest of texts.keys()) {
        if (characters <= MAX_CHARACTERS) return;
        forget(oldest);
      }
    },
    clear(): void {
      texts.clear();
      characters = 0;
    },
  };
}

function sizeOf(key: string, text: string | undefined): number {
  return key.length + (text?.length ?? 0);
}

function keyOf(collection: Collection, name: ObjectName): string {
  return `${collection} ${name}`;
}
