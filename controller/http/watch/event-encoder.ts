import type { Clock, Timer } from '../../machinery/clock.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { type Representation, representObject, type Shape } from '../verbs/represent.ts';

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface EventEncoder {
  /** One line of a watch. @param isFirst the first event of a watch alone says what the columns of a Table are */
  encode(
    type: EventType,
    object: KubeObject,
    representation: Representation,
    shape: Shape,
    isFirst?: boolean,
  ): Buffer;
}

/** What hundreds of watchers are told at about the same time. */
const MAX_ENTRIES = 1_024;
const MAX_BYTES = 16 * 1024 * 1024;
/** What a Table says of ages is true for so long. */
const KEPT_MS = 1_000;

/** Writes each event once, however many watchers it goes to: all who look the same way share the bytes. */
export function createEventEncoder(clock: Clock, closing: AbortSignal): EventEncoder {
  const lines = new Map<string, Buffer>();
  /** Those that some watch still has to send, after they were forgotten here. */
  const sent = new Map<string, WeakRef<Buffer>>();
  let bytes = 0;
  let timer: Timer | undefined;
  const forget = () => {
    timer?.cancel();
    timer = undefined;
    bytes = 0;
    lines.clear();
    for (const [key, line] of sent) if (!line.deref()) sent.delete(key);
  };
  closing.addEventListener('abort', forget, { once: true });
  const remember = (key: string, line: Buffer) => {
    if (closing.aborted) return;
    if (lines.size === MAX_ENTRIES || bytes + line.length > MAX_BYTES) forget();
    // By a timer, since asking the clock for each event and watcher would cost more than what is saved.
    timer ??= clock.setTimer(KEPT_MS, forget);
    lines.set(key, line);
    bytes += line.length;
  };
  return {
    encode(type, object, representation, shape, isFirst = false) {
      const { as } = representation.form;
      const key = `${keyOf(type, object, representation, shape)}${isFirst && as === 'Table' ? ' first' : ''}`;
      const present = lines.get(key) ?? (as === 'Table' ? undefined : sent.get(key)?.deref());
      if (present) return present;
      const shown = representObject(object, representation, shape, clock.now());
      const line = encodeLine(type, isFirst ? shown : withoutColumns(shown));
      if (as !== 'Table') sent.set(key, new WeakRef(line));
      remember(key, line);
      return line;
    },
  };
}

/** A resourceVersion stands for one state of one object. */
function keyOf(
  type: EventType,
  { metadata: { namespace, name, uid, resourceVersion } }: KubeObject,
  { form, includeObject }: Representation,
  { apiVersion, kind }: Shape,
): string {
  const look = form.as === 'Object' ? '' : `${form.as} ${form.version} ${includeObject}`;
  return [type, apiVersion, kind, namespace, name, uid, resourceVersion, look].join(' ');
}

/** Only the first event of a watch tells the columns. */
function withoutColumns(object: object): object {
  return 'columnDefinitions' in object ? { ...object, columnDefinitions: null } : object;
}

export function encodeLine(type: EventType | 'BOOKMARK' | 'ERROR', object: object): Buffer {
  return Buffer.from(`${JSON.stringify({ type, object })}\n`);
}
