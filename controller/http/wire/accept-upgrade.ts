import type { Duplex } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import { ApiError } from '../../machinery/api-error.ts';
import type { Clock } from '../../machinery/clock.ts';
import { type Offer, offerOf, takeOver } from './upgrades.ts';

/** What a client offers and this server takes. */
export type Upgrade = { readonly offer: Offer; readonly protocol: string } & (
  | { readonly kind: 'websocket' }
  | { readonly kind: 'spdy' }
);

export interface KnownProtocols {
  /** Each newest first. */
  readonly websocket: readonly string[];
  readonly spdy: readonly string[];
}

/** No client sends more in one message: kubectl copies 32 KiB at a time. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** Whoever does not take the last words in this time has had enough of them. */
const GRACE_MS = 2_000;

const server = new WebSocketServer({
  ...{ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES },
});

/** @throws ApiError BadRequest for an ordinary request, or when there is no protocol that both know */
export function chooseUpgrade(request: FastifyRequest, known: KnownProtocols): Upgrade {
  const offer = offerOf(request);
  if (!offer) throw new ApiError('BadRequest', 'Upgrade request required');
  const kind = /^websocket$/i.test(request.headers.upgrade ?? '') ? 'websocket' : 'spdy';
  const header = kind === 'websocket' ? 'sec-websocket-protocol' : 'x-stream-protocol-version';
  const offered = String(request.headers[header] ?? '').split(',');
  const names = offered.map((name) => name.trim());
  const protocol = known[kind].find((name) => names.includes(name));
  if (protocol === undefined) {
    const allowed = known[kind].join(', ');
    throw new ApiError(
      'BadRequest',
      `unable to upgrade: found ${JSON.stringify(names)}, allowed: ${allowed}`,
    );
  }
  return { offer, protocol, kind };
}

/** Undefined when the handshake was wrong, which is then answered. */
export function acceptWebSocket(
  request: FastifyRequest,
  reply: FastifyReply,
  { offer, protocol }: Upgrade,
): WebSocket | undefined {
  takeOver(reply, offer);
  if (offer.socket.destroyed) return undefined;
  let accepted: WebSocket | undefined;
  // It chooses the first that is offered; which one was chosen here is the only one it is told of.
  request.raw.headers['sec-websocket-protocol'] = protocol;
  server.handleUpgrade(request.raw, offer.socket, offer.head, (socket) => {
    accepted = socket;
    // What breaks the protocol closes the connection.
    socket.on('error', () => {});
  });
  return accepted;
}

/** The bytes of a connection that speaks SPDY, in messages or as they are; undefined as above. */
export function acceptBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  upgrade: Upgrade,
): Duplex | undefined {
  if (upgrade.kind === 'websocket') {
    const socket = acceptWebSocket(request, reply, upgrade);
    if (!socket) return undefined;
    const stream = createWebSocketStream(socket).on('error', () => {});
    // By itself it ends only after all that has come was taken.
    upgrade.offer.socket.once('close', () => stream.destroy());
    return stream;
  }
  const { socket, head } = upgrade.offer;
  takeOver(reply, upgrade.offer);
  if (socket.destroyed) return undefined;
  const headers = [
    'Connection: Upgrade',
    'Upgrade: SPDY/3.1',
    `X-Stream-Protocol-Version: ${upgrade.protocol}`,
  ];
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return socket;
}

/** Waits for a connection that was told to end. */
export async function ended({ socket }: Offer, clock: Clock): Promise<void> {
  if (socket.destroyed) return;
  const timer = clock.setTimer(GRACE_MS, () => socket.destroy());
  // One that breaks instead has ended, too: it closes after its error.
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  timer.cancel();
}
