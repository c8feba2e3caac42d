import type { IncomingMessage } from 'node:http';
import { ApiError } from '../machinery/api-error.ts';
import { isRecord, ownField } from '../machinery/json.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { WatchEvent, WatchQuery } from '../machinery/resources.ts';
import type { Collection } from './collection.ts';
import { searchOf } from './lists.ts';
import { statusError } from './status-error.ts';

/** What a proxy on the way may have cut without a word is noticed by the system. */
const KEEP_ALIVE_MS = 30_000;

/** Changes after `from`; ends when the signal aborts, and where the server or the network ends it: watch again then. */
export async function* watchStream<T extends KubeObject>(
  { transport, pathOf }: Collection,
  query: WatchQuery,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  const { from, onProgress } = query;
  const search = searchOf(query);
  search.set('watch', 'true');
  search.set('allowWatchBookmarks', 'true');
  search.set('resourceVersion', from);
  const path = pathOf(query.namespace);
  let answer: IncomingMessage;
  try {
    answer = await transport.open({ method: 'GET', path, query: search, signal });
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  answer.socket.setKeepAlive(true, KEEP_ALIVE_MS);
  for await (const line of linesOf(answer)) {
    if (signal.aborted) return;
    const change = parseChange(line);
    if (change.type === 'ERROR') throw statusError(isRecord(change.object) ? change.object : {});
    if (change.type === 'BOOKMARK') onProgress?.(versionOf(change.object));
    else yield { type: change.type, object: change.object as T };
  }
}

/** A connection that breaks ends the lines, as an answer that ends does. */
async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  answer.setEncoding('utf8');
  let rest = '';
  const chunks = answer.iterator()[Symbol.asyncIterator]() as AsyncIterator<string>;
  try {
    for (;;) {
      const next = await chunks.next().catch(() => undefined);
      if (!next || next.done) return;
      const lines = (rest + next.value).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') yield line;
    }
  } finally {
    answer.destroy();
  }
}

const TYPES = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'] as const;

interface Change {
  readonly type: (typeof TYPES)[number];
  readonly object: unknown;
}

function parseChange(line: string): Change {
  try {
    const parsed: unknown = JSON.parse(line);
    const type = TYPES.find((one) => one === ownField(parsed, 'type'));
    if (type) return { type, object: ownField(parsed, 'object') };
  } catch {
    // Told below.
  }
  throw new ApiError('Unavailable', `the server sent what is no watch event: ${line.slice(0, 80)}`);
}

function versionOf(bookmark: unknown): string {
  return String(ownField(ownField(bookmark, 'metadata'), 'resourceVersion'));
}
