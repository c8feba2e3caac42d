import type { Clock } from '../../api/clock.ts';
import type { KubeObject } from '../../api/object.ts';
import { type Representation, representObject, type Shape } from './represent.ts';

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface EventEncoder {
  /** One line of a watch. */
  encode(type: EventType, object: KubeObject, representation: Representation, shape: Shape): Buffer;
}

/** What hundreds of watchers are told within one turn, and no more than that. */
const MAX_ENTRIES = 256;
const MAX_BYTES = 16 * 1024 * 1024;

/** Writes each event once, however many watchers it goes to: all who look the same way share the bytes. */
export function createEventEncoder(clock: Clock): EventEncoder {
  const lines = new Map<string, Buffer>();
  let bytes = 0;
  const remember = (key: string, line: Buffer) => {
    lines.set(key, line);
    bytes += line.length;
    for (const [oldest, { length }] of lines) {
      if (lines.size <= MAX_ENTRIES && bytes <= MAX_BYTES) return;
      lines.delete(oldest);
      bytes -= length;
    }
  };
  return {
    encode(type, object, representation, shape) {
      const now = clock.now();
      const key = keyOf(type, object, representation, shape, now);
      const present = lines.get(key);
      if (present) return present;
      const line = encodeLine(type, withoutColumns(representObject(object, representation, shape, now)));
      remember(key, line);
      return line;
    },
  };
}

/** A resourceVersion stands for one state of one object; what a Table says of ages is true for a second. */
function keyOf(
  type: EventType,
  { metadata: { namespace, name, uid, resourceVersion } }: KubeObject,
  { form, includeObject }: Representation,
  { apiVersion, kind }: Shape,
  now: number,
): string {
  const look =
    form.as === 'Object' ? '' : `${form.as} ${form.version} ${includeObject} ${Math.floor(now / 1000)}`;
  return [type, apiVersion, kind, namespace, name, uid, resourceVersion, look].join(' ');
}

/** Only the first event of a watch tells the columns. */
function withoutColumns(object: object): object {
  return 'columnDefinitions' in object ? { ...object, columnDefinitions: null } : object;
}

export function encodeLine(type: EventType | 'BOOKMARK' | 'ERROR', object: object): Buffer {
  return Buffer.from(`${JSON.stringify({ type, object })}\n`);
}
