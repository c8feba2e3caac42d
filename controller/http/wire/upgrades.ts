import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { upgraded } from '../door/connections.ts';

/** A connection that its client would like to use for something else than HTTP from now on. */
export interface Offer {
  readonly socket: Socket;
  /** What has come already after the request. */
  readonly head: Buffer;
  /** Aborts when the client goes. */
  readonly gone: AbortSignal;
}

const offers = new WeakMap<IncomingMessage, Offer>();

/** Undefined for an ordinary request. */
export function offerOf({ raw }: FastifyRequest): Offer | undefined {
  return offers.get(raw);
}

/** From here on nothing is answered as HTTP any more. */
export function takeOver(reply: FastifyReply, { socket }: Offer): void {
  reply.hijack();
  reply.raw.detachSocket(socket);
}

/** A client that takes nothing is no reason not to end. */
const MAX_PARTING_MS = 2_000;

/**
 * Requests for an upgrade take the way of all others, through every check, up to the route that takes them over. Those that
 * `isWanted` does not know are ordinary requests: a server may leave an upgrade out, and some clients always offer one.
 */
export function routeUpgrades(app: FastifyInstance, isWanted: (request: IncomingMessage) => boolean): void {
  const { closing, clock } = app.serving;
  const answers = watchAnswers(app);
  const sockets = new Set<Socket>();
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // The next may wait in the server for what was asked before on this connection: it must not see it changed below it.
    answers.finished(socket, () => {
      if (!isWanted(request) || hasBody(request)) return serveWithout(app, request, socket, head);
      upgraded.add(socket);
      sockets.add(socket.once('close', () => sockets.delete(socket)));
      serveUpgrade(app, request, socket, head);
    });
  });
  closing.addEventListener('abort', () => {
    const timer = clock.setTimer(MAX_PARTING_MS, () => {
      for (const socket of sockets) socket.destroy();
    });
    app.server.once('close', () => timer.cancel());
  });
}

function serveUpgrade(app: FastifyInstance, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const gone = new AbortController();
  socket.on('error', () => {}).once('close', () => gone.abort());
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.once('finish', () => socket.destroySoon());
  response.assignSocket(socket);
  offers.set(request, { socket, head, gone: gone.signal });
  app.routing(request, response);
}

interface Answers {
  /** Calls back once all that was asked on a connection is answered; never, when it ends first. */
  finished(socket: Socket, callback: () => void): void;
}

function watchAnswers(app: FastifyInstance): Answers {
  const due = new WeakMap<Socket, Set<ServerResponse>>();
  app.server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const all = due.get(socket) ?? new Set();
    due.set(socket, all.add(response));
    response.once('close', () => all.delete(response));
  });
  const finished: Answers['finished'] = (socket, callback) => {
    const [response] = due.get(socket) ?? [];
    if (!response) {
      // The time for which an idle connection is kept may have been set meanwhile.
      socket.setTimeout(0);
      return callback();
    }
    response.once('close', () => {
      if (socket.writable) finished(socket, callback);
    });
  };
  return { finished };
}

/** The rest of the connection is no body to anybody who asks for an upgrade. */
function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'content-type': type, 'transfer-encoding': encoding } = headers;
  return length !== '0' || type !== undefined || encoding !== undefined;
}

/** Reads it again as it would have been without the offer. */
function serveWithout(app: FastifyInstance, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(index, index + 2);
    const kept = name.toLowerCase() === 'connection' ? withoutUpgrade(value) : value;
    if (!OFFERING.includes(name.toLowerCase())) lines.push(`${name}: ${kept}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  app.server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket);
}

const OFFERING = ['upgrade', 'http2-settings'];

function withoutUpgrade(connection: string): string {
  const words = connection.split(',').map((word) => word.trim());
  const rest = words.filter((word) => !OFFERING.includes(word.toLowerCase()));
  return rest.length === 0 ? 'keep-alive' : rest.join(', ');
}
