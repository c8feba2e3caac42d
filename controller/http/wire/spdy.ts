import { Duplex } from 'node:stream';
import {
  dataFrames,
  goAwayFrame,
  pingFrame,
  readFrames,
  replyFrame,
  resetFrame,
  type SpdyFrame,
} from './spdy-frames.ts';
import { BrokenSpdyError, createHeaderBlocks, type SpdyHeaders } from './spdy-headers.ts';

/** More than a client's pool of connections; each may wait with so much for whoever takes it. */
const MAX_STREAMS = 500;
const STREAM_BYTES = 256 * 1024;

/** One of many streams of a connection, opened by the client. Either side ends when it likes. */
export class SpdyStream extends Duplex {
  readonly headers: SpdyHeaders;
  readonly #id: number;
  readonly #transport: Duplex;
  #isReset = false;
  #hasEnd = false;
  #onRoom: (() => void) | undefined;

  constructor(id: number, headers: SpdyHeaders, transport: Duplex) {
    super({ allowHalfOpen: true, readableHighWaterMark: STREAM_BYTES });
    this.#id = id;
    this.headers = headers;
    this.#transport = transport;
    // Whoever uses the stream is told by its end; without a listener an error would end the process.
    this.on('error', () => {});
  }

  /** Resolves when there is room for more: until then the whole connection waits, for it has no windows. */
  async receive(bytes: Buffer, isEnd: boolean): Promise<void> {
    if (this.destroyed || this.#hasEnd) return;
    const hasRoom = bytes.length === 0 || this.push(bytes);
    this.#hasEnd = isEnd;
    if (isEnd) this.push(null);
    if (hasRoom || isEnd || this.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#onRoom = resolve;
    });
  }

  /** The client has given it up. */
  reset(): void {
    this.#isReset = true;
    this.destroy();
  }

  override _read(): void {
    this.#onRoom?.();
    this.#onRoom = undefined;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#transport.write(dataFrames(this.#id, chunk), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#transport.write(dataFrames(this.#id, Buffer.alloc(0), true), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const isOver = this.readableEnded && this.writableFinished;
    if (!isOver && !this.#isReset && this.#transport.writable)
      this.#transport.write(resetFrame(this.#id, 'cancelled'));
    this._read();
    done(error);
  }
}

/** The server's side of SPDY/3.1, over a socket or the messages of a WebSocket. */
export class SpdyConnection {
  readonly #transport: Duplex;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #blocks = createHeaderBlocks();
  readonly #streams = new Map<number, SpdyStream>();
  #lastId = 0;

  constructor(transport: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#transport = transport;
    this.#onStream = onStream;
    transport.on('error', () => {});
  }

  /** Until the client goes, the connection was closed, or what comes is not SPDY. Never throws. */
  async serve(): Promise<void> {
    const giveUp = () => {
      for (const stream of this.#streams.values()) stream.reset();
    };
    // While it waits for somebody to take what a stream has it reads nothing, and would not see the end.
    this.#transport.once('close', giveUp);
    try {
      for await (const frame of readFrames(this.#transport)) await this.#handle(frame);
    } catch (error) {
      // Everything else is a connection that broke.
      const isBroken = error instanceof BrokenSpdyError;
      if (isBroken && this.#transport.writable) this.#transport.write(goAwayFrame(this.#lastId, true));
    } finally {
      this.#transport.destroy();
      giveUp();
      this.#blocks.close();
    }
  }

  /** Says goodbye after all that was written. */
  end(): void {
    if (this.#transport.writable) this.#transport.end(goAwayFrame(this.#lastId, false));
  }

  async #handle(frame: SpdyFrame): Promise<void> {
    switch (frame.type) {
      case 'open':
        return this.#open(frame);
      case 'data':
        // One that is over may still be on its way to a client that does not know yet.
        return this.#streams.get(frame.streamId)?.receive(frame.bytes, frame.isEnd);
      case 'headers':
        return void (await this.#blocks.decode(frame.block));
      case 'reset':
        return this.#streams.get(frame.streamId)?.reset();
      case 'ping':
        // Odd ones are the client's; the others would be answers.
        if (frame.id % 2 === 1) await this.#send(pingFrame(frame.id));
        return;
      default:
    }
  }

  async #open({ streamId, isEnd, block }: SpdyFrame & { readonly type: 'open' }): Promise<void> {
    const headers = await this.#blocks.decode(block);
    if (streamId % 2 === 0 || streamId <= this.#lastId)
      throw new BrokenSpdyError(`stream ${streamId} cannot be opened after ${this.#lastId}`);
    this.#lastId = streamId;
    if (this.#streams.size >= MAX_STREAMS) return this.#send(resetFrame(streamId, 'refused'));
    await this.#send(replyFrame(streamId, await this.#blocks.encode(new Map())));
    const stream = new SpdyStream(streamId, headers, this.#transport);
    this.#streams.set(streamId, stream);
    stream.once('close', () => this.#streams.delete(streamId));
    if (isEnd) await stream.receive(Buffer.alloc(0), true);
    this.#onStream(stream);
  }

  /** Not faster than the client takes it: who asks and never reads gets no further. */
  #send(frame: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#transport.write(frame, (error) => (error ? reject(error) : resolve()));
    });
  }
}
