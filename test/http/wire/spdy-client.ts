import { once } from 'node:events';
import type { Socket } from 'node:net';
import { readFrames } from '../../../controller/http/wire/spdy-frames.ts';
import { createHeaderBlocks } from '../../../controller/http/wire/spdy-headers.ts';

/** A client as kubectl up to 1.30 is one: the frames right after the answer to the upgrade. */
export interface SpdyClient {
  /** Opens what one connection needs. @returns the ids of the streams for errors and data */
  pair(id: string, port: number): Promise<readonly [error: number, data: number]>;
  /** Opens the stream for data alone. */
  half(id: string, port: number): Promise<number>;
  /** As above, and takes it back. */
  giveUp(id: string, port: number): Promise<void>;
  send(stream: number, bytes: Buffer, isEnd: boolean): void;
  ping(id: number): void;
  textOf(stream: number): string;
  /** Those that the server has ended. */
  readonly ended: readonly number[];
  readonly pings: readonly number[];
}

export async function openSpdy(socket: Socket, request: string): Promise<SpdyClient> {
  socket.write(request);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101 ')) throw new Error(answer.toString());
  const blocks = createHeaderBlocks();
  const texts = new Map<number, string>();
  const ended: number[] = [];
  const pings: number[] = [];
  let lastId = -1;
  const read = async () => {
    for await (const frame of readFrames(socket)) {
      if (frame.type === 'ping') pings.push(frame.id);
      if (frame.type !== 'data') continue;
      texts.set(frame.streamId, (texts.get(frame.streamId) ?? '') + frame.bytes.toString());
      if (frame.isEnd) ended.push(frame.streamId);
    }
  };
  void read().catch(() => {});
  const open = async (headers: readonly (readonly [string, string])[]) => {
    lastId += 2;
    const block = await blocks.encode(new Map(headers));
    socket.write(control(1, Buffer.concat([word(lastId), word(0), Buffer.alloc(2), block])));
    return lastId;
  };
  const half = (id: string, port: number) =>
    open([
      ['streamtype', 'data'],
      ['port', String(port)],
      ['requestid', id],
    ]);
  return {
    ...{ ended, pings, half },
    giveUp: async (id, port) =>
      void socket.write(control(3, Buffer.concat([word(await half(id, port)), word(5)]))),
    async pair(id, port) {
      const common = [['port', String(port)] as const, ['requestid', id] as const];
      const error = await open([['streamtype', 'error'], ...common]);
      socket.write(Buffer.concat([word(error), word(0x01000000)]));
      return [error, await open([['streamtype', 'data'], ...common])];
    },
    send: (stream, bytes, isEnd) =>
      void socket.write(Buffer.concat([word(stream), word((isEnd ? 0x01000000 : 0) + bytes.length), bytes])),
    ping: (id) => void socket.write(control(6, word(id))),
    textOf: (stream) => texts.get(stream) ?? '',
  };
}

function control(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0x80, 3, 0, type), word(body.length), body]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
