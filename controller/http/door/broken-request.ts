import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ConnectionError } from 'fastify';
import type { Clock } from '../../machinery/clock.ts';

/** Whoever still holds the connection then is not waited for: our end alone would leave it half open for ever. */
const PARTING_MS = 1_000;

/** What is no HTTP gets no further than its socket. */
export function brokenRequestAnswerer(clock: Clock): (error: ConnectionError, socket: Socket) => void {
  return ({ code }, socket) => {
    if (socket.destroyed) return;
    if (code === 'ECONNRESET' || !socket.writable || isShakingHands(socket)) return void socket.destroy();
    answer(code, socket);
    const timer = clock.setTimer(PARTING_MS, () => socket.destroy());
    socket.once('close', () => timer.cancel());
  };
}

/** An answer to it would wait for the end of the handshake. */
function isShakingHands(socket: Socket): boolean {
  return socket instanceof TLSSocket && socket.getCipher()?.name === undefined;
}

function answer(code: string, socket: Socket): void {
  const { line, reason, message } = judge(code);
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason };
  const body = `${JSON.stringify({ ...status, details: {}, code: Number(line.slice(0, 3)) })}\n`;
  const headers = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`;
  socket.end(`HTTP/1.1 ${line}\r\n${headers}\r\n\r\n${body}`);
}

function judge(code: string): { readonly line: string; readonly reason: string; readonly message: string } {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return {
        line: '408 Request Timeout',
        reason: 'Timeout',
        message: 'the request took too long to arrive',
      };
    case 'HPE_HEADER_OVERFLOW':
      return {
        ...{ line: '431 Request Header Fields Too Large', reason: 'RequestEntityTooLarge' },
        message: 'the headers of the request are too long',
      };
    default:
      return { line: '400 Bad Request', reason: 'BadRequest', message: 'the request is not HTTP/1.1' };
  }
}
