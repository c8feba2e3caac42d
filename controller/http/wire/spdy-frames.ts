import { BrokenSpdyError } from './spdy-headers.ts';

/** SPDY/3.1 as far as kubectl speaks it. Blocks of headers are still compressed. */
export type SpdyFrame =
  /** A part of a frame: what is long comes in several, of which only the last can be the end. */
  | { readonly type: 'data'; readonly streamId: number; readonly isEnd: boolean; readonly bytes: Buffer }
  | { readonly type: 'open'; readonly streamId: number; readonly isEnd: boolean; readonly block: Buffer }
  /** More headers, or an answer to what was never asked: of interest for the decompressor alone. */
  | { readonly type: 'headers'; readonly block: Buffer }
  | { readonly type: 'reset'; readonly streamId: number }
  | { readonly type: 'ping'; readonly id: number }
  /** Settings, windows (kubectl has none), farewells and what is not known: no answer is due. */
  | { readonly type: 'other' };

const TYPES = { open: 1, reply: 2, reset: 3, ping: 6, goAway: 7, headers: 8 } as const;
const VERSION = 3;
const HEADER_BYTES = 8;
const FLAG_END = 1;
const ID_MASK = 0x7fffffff;
/** Data is passed on as it comes; the rest is collected first, and is short. */
const MAX_CONTROL_BYTES = 64 * 1024;
const MAX_DATA_BYTES = 64 * 1024;

interface OpenData {
  readonly streamId: number;
  readonly isEnd: boolean;
  left: number;
}

/** @throws BrokenSpdyError for what is not SPDY/3.1 */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<SpdyFrame, void> {
  let rest: Buffer = Buffer.alloc(0);
  let open: OpenData | undefined;
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      if (open) {
        const bytes = rest.subarray(0, open.left);
        rest = rest.subarray(bytes.length);
        open.left -= bytes.length;
        yield { type: 'data', streamId: open.streamId, isEnd: open.isEnd && open.left === 0, bytes };
        if (open.left > 0) break;
        open = undefined;
      }
      if (rest.length < HEADER_BYTES) break;
      const length = rest.readUIntBE(5, 3);
      if ((rest.readUInt8(0) & 0x80) === 0) {
        open = { streamId: rest.readUInt32BE(0), isEnd: hasEnd(rest), left: length };
        rest = rest.subarray(HEADER_BYTES);
        continue;
      }
      checkControl(rest, length);
      if (rest.length < HEADER_BYTES + length) break;
      yield parseControl(rest.subarray(0, HEADER_BYTES + length));
      rest = rest.subarray(HEADER_BYTES + length);
    }
  }
}

function hasEnd(frame: Buffer): boolean {
  return (frame.readUInt8(4) & FLAG_END) !== 0;
}

function checkControl(frame: Buffer, length: number): void {
  const version = frame.readUInt16BE(0) & 0x7fff;
  if (version !== VERSION) throw new BrokenSpdyError(`found version ${version} of SPDY, allowed: 3`);
  if (length > MAX_CONTROL_BYTES) throw new BrokenSpdyError(`a frame of ${length} bytes is too long`);
}

function parseControl(frame: Buffer): SpdyFrame {
  const type = frame.readUInt16BE(2);
  const body = frame.subarray(HEADER_BYTES);
  const word = (at: number) => {
    if (body.length < at + 4) throw new BrokenSpdyError('a frame is too short');
    return body.readUInt32BE(at);
  };
  switch (type) {
    case TYPES.open:
      // The stream it belongs to and its priority say nothing here.
      word(6);
      return { type: 'open', streamId: word(0) & ID_MASK, isEnd: hasEnd(frame), block: body.subarray(10) };
    case TYPES.reply:
    case TYPES.headers:
      word(0);
      return { type: 'headers', block: body.subarray(4) };
    case TYPES.reset:
      return { type: 'reset', streamId: word(0) & ID_MASK };
    case TYPES.ping:
      return { type: 'ping', id: word(0) };
    default:
      return { type: 'other' };
  }
}

function controlFrame(type: number, ...parts: readonly (number | Buffer)[]): Buffer {
  const bytes = parts.map((part) => (typeof part === 'number' ? wordOf(part) : part));
  const length = bytes.reduce((sum, one) => sum + one.length, 0);
  return Buffer.concat([wordOf(((0x8000 | VERSION) << 16) | type), wordOf(length), ...bytes]);
}

function wordOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function replyFrame(streamId: number, block: Buffer): Buffer {
  return controlFrame(TYPES.reply, streamId, block);
}

export type ResetReason = 'refused' | 'cancelled';

export function resetFrame(streamId: number, reason: ResetReason): Buffer {
  return controlFrame(TYPES.reset, streamId, reason === 'refused' ? 3 : 5);
}

export function pingFrame(id: number): Buffer {
  return controlFrame(TYPES.ping, id);
}

export function goAwayFrame(lastStreamId: number, isBroken: boolean): Buffer {
  return controlFrame(TYPES.goAway, lastStreamId, isBroken ? 1 : 0);
}

/** As many as the bytes need; the last one may be the end of the stream. */
export function dataFrames(streamId: number, bytes: Buffer, isEnd = false): Buffer {
  const frames: Buffer[] = [];
  let at = 0;
  do {
    const part = bytes.subarray(at, at + MAX_DATA_BYTES);
    at += part.length;
    const flags = isEnd && at >= bytes.length ? FLAG_END : 0;
    frames.push(wordOf(streamId), wordOf(flags * 0x1000000 + part.length), part);
  } while (at < bytes.length);
  return Buffer.concat(frames);
}
