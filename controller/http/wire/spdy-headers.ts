import type { Transform } from 'node:stream';
import { constants, createDeflate, createInflate } from 'node:zlib';
import { SPDY_DICTIONARY } from './spdy-dictionary.ts';

/** What the other side sent is not SPDY/3.1, or more of it than anybody needs: the connection ends. */
export class BrokenSpdyError extends Error {
  override readonly name = 'BrokenSpdyError';
}

export type SpdyHeaders = ReadonlyMap<string, string>;

/** Both directions of one connection. Each block builds on the one before: calls must not overlap, and none may be left out. */
export interface HeaderBlocks {
  /** @throws BrokenSpdyError */
  decode(block: Buffer): Promise<SpdyHeaders>;
  encode(headers: SpdyHeaders): Promise<Buffer>;
  close(): void;
}

const MAX_INFLATED = 64 * 1024;
const MAX_HEADERS = 100;

export function createHeaderBlocks(): HeaderBlocks {
  const options = { dictionary: SPDY_DICTIONARY, flush: constants.Z_SYNC_FLUSH };
  const inflate = createInflate(options);
  const deflate = createDeflate(options);
  // What fails outside of a call was told to the call before, or is of no interest any more.
  for (const engine of [inflate, deflate]) engine.on('error', () => {});
  return {
    decode: async (block) => parseHeaders(await passThrough(inflate, block)),
    encode: (headers) => passThrough(deflate, formatHeaders(headers)),
    close() {
      inflate.destroy();
      deflate.destroy();
    },
  };
}

function passThrough(engine: Transform, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = () => {
      stopListening();
      reject(new BrokenSpdyError('the headers cannot be decompressed'));
    };
    const collect = (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_INFLATED) engine.destroy();
      else chunks.push(chunk);
    };
    const stopListening = () => engine.off('data', collect).off('error', fail).off('close', fail);
    engine.on('data', collect).once('error', fail).once('close', fail);
    if (engine.destroyed) return fail();
    engine.write(input, (error) => {
      if (error || engine.destroyed) return fail();
      // What it has not handed out yet comes as data, too.
      while (engine.read() !== null);
      if (engine.destroyed) return fail();
      stopListening();
      resolve(Buffer.concat(chunks));
    });
  });
}

function parseHeaders(block: Buffer): SpdyHeaders {
  let at = 0;
  const integer = () => {
    if (at + 4 > block.length) throw new BrokenSpdyError('the headers end too early');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = () => {
    const length = integer();
    if (at + length > block.length) throw new BrokenSpdyError('the headers end too early');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const count = integer();
  if (count > MAX_HEADERS) throw new BrokenSpdyError('there are too many headers');
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index++) headers.set(text().toLowerCase(), text());
  return headers;
}

function formatHeaders(headers: SpdyHeaders): Buffer {
  const parts = [integerBytes(headers.size)];
  for (const text of [...headers].flat()) {
    const bytes = Buffer.from(text);
    parts.push(integerBytes(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

function integerBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
