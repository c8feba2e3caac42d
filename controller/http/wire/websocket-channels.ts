import { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ExecStreams, ExecWishes } from '../pods/exec-streams.ts';

/** The protocol's, newest first: 5 can close one channel alone. */
export const CHANNEL_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

/** The first byte of each message. A fifth one tells the size of the terminal, which the plugin cannot be told: it is dropped. */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const;

/** The streams of an exec in the messages of one WebSocket. */
export function openChannels(socket: WebSocket, wishes: ExecWishes): ExecStreams {
  const writer = (channel: number) => channelWriter(socket, channel);
  const stdin = wishes.stdin ? new Readable({ read: () => socket.resume() }) : undefined;
  stdin?.on('error', () => {});
  socket.on('message', (message: Buffer, isBinary: boolean) => {
    if (!isBinary || !stdin || stdin.readableEnded || message.length === 0) return;
    const isEnd = message[0] === CHANNEL.close && message[1] === CHANNEL.stdin;
    if (isEnd) stdin.push(null);
    else if (message[0] === CHANNEL.stdin && !stdin.push(message.subarray(1))) socket.pause();
  });
  // A client that is gone is no end of its input: whoever reads it must not take it for one.
  socket.once('close', () => stdin?.destroy());
  const streams = {
    stdin,
    stdout: wishes.stdout ? writer(CHANNEL.stdout) : undefined,
    stderr: wishes.stderr ? writer(CHANNEL.stderr) : undefined,
    error: writer(CHANNEL.error),
  };
  // Clients take the first message, though it is empty, as the sign that all is set up.
  const first = wishes.stdout ? CHANNEL.stdout : wishes.stderr ? CHANNEL.stderr : CHANNEL.error;
  socket.send(Buffer.of(first));
  return streams;
}

function channelWriter(socket: WebSocket, channel: number): Writable {
  const prefix = Buffer.of(channel);
  const writer = new Writable({
    write: (chunk: Buffer, _encoding, done) => socket.send(Buffer.concat([prefix, chunk]), done),
  });
  socket.once('close', () => writer.destroy());
  return writer.on('error', () => {});
}
