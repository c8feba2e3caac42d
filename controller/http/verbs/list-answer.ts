import type { FastifyReply, FastifyRequest } from 'fastify';
import { dump } from 'js-yaml';
import type { KubeObject } from '../../machinery/object.ts';
import type { List } from '../../machinery/resources.ts';
import { createLineWriter, endAnswer } from '../watch/line-writer.ts';
import { JSON_TYPE, YAML_TYPE } from './body.ts';
import { jsonOf } from './encoded.ts';
import { type Representation, representItem, representList, type Shape } from './represent.ts';
import { pathOf } from './status-error.ts';

/** What is shorter goes in one piece. */
const PIECE_BYTES = 64 * 1024;

/**
 * Answers with a list, item by item where it is long: no faster than it is read, so that others get their turn between two items,
 * and no longer than somebody reads it.
 */
export async function answerList(
  request: FastifyRequest,
  reply: FastifyReply,
  { list, shape }: { readonly list: List<KubeObject>; readonly shape: Shape },
  representation: Representation,
): Promise<unknown> {
  const { clock, turns } = request.server.serving;
  const type = representation.form.syntax === 'yaml' ? YAML_TYPE : JSON_TYPE;
  const pieces = gather(encode(list, representation, shape, clock.now()));
  const first = pieces.next();
  const second = first.done ? first : pieces.next();
  if (first.done || second.done) {
    return reply.header('Content-Type', type).send(first.value ?? Buffer.alloc(0));
  }
  const { raw } = reply;
  reply.hijack();
  const { 'content-type': _none, ...headers } = reply.getHeaders();
  raw.writeHead(200, { ...headers, 'content-type': type } as Record<string, string>);
  const writer = createLineWriter(raw, clock, { place: request.place, turns });
  try {
    let isRead = (await writer.write(first.value)) && (await writer.write(second.value));
    while (isRead) {
      const next = pieces.next();
      if (next.done) break;
      isRead = await writer.write(next.value);
    }
    endAnswer(raw, clock);
  } catch (error) {
    // Its beginning is sent: only that it breaks off tells the client.
    request.server.serving.onFailure({ method: request.method, path: pathOf(request.url), error });
    raw.destroy();
  }
  return reply;
}

/** Small ones together; large ones as they are, since others may have them too. */
function* gather(parts: Iterable<Buffer>): Generator<Buffer, undefined> {
  let small: Buffer[] = [];
  let bytes = 0;
  for (const part of parts) {
    if (part.length < PIECE_BYTES) {
      small.push(part);
      bytes += part.length;
      if (bytes < PIECE_BYTES) continue;
    }
    if (small.length > 0) yield Buffer.concat(small);
    if (part.length >= PIECE_BYTES) yield part;
    small = [];
    bytes = 0;
  }
  if (small.length > 0) yield Buffer.concat(small);
  return undefined;
}

function* encode(
  list: List<KubeObject>,
  representation: Representation,
  shape: Shape,
  now: number,
): Generator<Buffer> {
  const { form, isPretty } = representation;
  // What holds the items is the last field of it.
  const empty = representList({ ...list, items: [] }, representation, shape, now);
  const items = represented(list.items, representation, shape, now);
  if (form.syntax === 'yaml') yield* encodeYaml(empty, items);
  else if (isPretty) yield* encodePretty(empty, items);
  else yield* encodeJson(empty, items);
}

function* represented(
  items: readonly KubeObject[],
  representation: Representation,
  shape: Shape,
  now: number,
): Generator<object> {
  for (const item of items) yield representItem(item, representation, shape, now);
}

function* encodeJson(empty: object, items: Iterable<object>): Generator<Buffer> {
  yield Buffer.from(JSON.stringify(empty).slice(0, -']}'.length));
  let separator = '';
  for (const item of items) {
    if (separator !== '') yield Buffer.from(separator);
    separator = ',';
    yield* jsonPieces(item);
  }
  yield Buffer.from(']}\n');
}

/** A row holds its object last. */
function* jsonPieces(item: object): Generator<Buffer> {
  if (!('cells' in item && 'object' in item)) return yield jsonOf(item);
  const { object, ...row } = item;
  yield Buffer.from(`${JSON.stringify(row).slice(0, -1)},"object":`);
  yield jsonOf(object as object);
  yield Buffer.from('}');
}

function* encodePretty(empty: object, items: Iterable<object>): Generator<Buffer> {
  const [open, close] = ['[]\n}', '\n  ]\n}\n'];
  const text = JSON.stringify(empty, null, 2);
  yield Buffer.from(text.slice(0, -open.length));
  let separator = '[';
  for (const item of items) {
    yield Buffer.from(`${separator}\n${indented(JSON.stringify(item, null, 2), 4)}`);
    separator = ',';
  }
  yield Buffer.from(separator === '[' ? `${open}\n` : close);
}

function* encodeYaml(empty: object, items: Iterable<object>): Generator<Buffer> {
  const open = ' []\n';
  const text = dump(empty, { noRefs: true });
  yield Buffer.from(text.slice(0, -open.length));
  let separator = '\n';
  for (const item of items) {
    yield Buffer.from(`${separator}${indented(dump([item], { noRefs: true }), 2)}`);
    separator = '';
  }
  if (separator !== '') yield Buffer.from(open);
}

function indented(text: string, by: number): string {
  // Not by the flag m, for which other characters, too, begin a line.
  return text.replace(/(^|\n)(?=[^\n])/g, `$1${' '.repeat(by)}`);
}
