import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { clientAt } from './client-of.ts';
import type { PlaceLimits } from './places.ts';

/** The connections of a server, from the first packet on: those that are still shaking hands are nobody else's business. */
export interface Connections {
  readonly count: number;
  /** Ends all of them, whatever they are at. */
  destroyAll(): void;
}

interface Entry {
  readonly socket: Socket;
  readonly client: string;
  /** Those that have arrived whole and are not answered yet. */
  readonly answers: Map<ServerResponse, IncomingMessage>;
  /** What the client speaks over: the same, or TLS on top of it. */
  spoken: Socket;
}

/**
 * Gives each client a share of the connections. Where it has taken its share, or all are taken, the oldest connection that has
 * nothing to wait for makes room: one that sends nothing, sends slowly, or is kept for a next request. If there is none, the new
 * one is closed.
 */
export function guardConnections(server: Server, { total, perClient }: PlaceLimits): Connections {
  /** Oldest first. By both ends' ports, since TLS has a socket of its own on top of each. */
  const entries = new Map<string, Entry>();
  const byClient = new Map<string, Set<Entry>>();

  function forget(key: string, entry: Entry): void {
    if (entries.get(key) === entry) entries.delete(key);
    const own = byClient.get(entry.client);
    own?.delete(entry);
    if (own?.size === 0) byClient.delete(entry.client);
  }

  function drop(entry: Entry): void {
    forget(keyOf(entry.socket), entry);
    entry.socket.destroy();
  }

  function makeRoom(client: string): boolean {
    const own = byClient.get(client) ?? new Set<Entry>();
    if (own.size >= perClient) return dropIdle(own);
    return entries.size < total || dropIdle(largest(byClient));
  }

  function dropIdle(candidates: Iterable<Entry>): boolean {
    for (const entry of candidates) {
      if (!isIdle(entry)) continue;
      drop(entry);
      return true;
    }
    return false;
  }

  function enter(socket: Socket): void {
    const key = keyOf(socket);
    const known = entries.get(key);
    // It was offered for something else than HTTP, and is back.
    if (known?.socket === socket) return;
    // It was reset before it was accepted.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const client = clientAt(socket.remoteAddress);
    if (!makeRoom(client)) return void socket.destroy();
    const entry: Entry = { socket, client, answers: new Map(), spoken: socket };
    keys.set(socket, key);
    entries.set(key, entry);
    byClient.set(client, (byClient.get(client) ?? new Set()).add(entry));
    socket.once('close', () => {
      forget(key, entry);
      // After Node has ended those that it knows of.
      queueMicrotask(() => closeLeft(entry));
    });
  }

  server.on('connection', enter);
  server.on('secureConnection', (socket: TLSSocket) => {
    const entry = entries.get(keyOf(socket));
    if (entry) entry.spoken = socket;
  });
  // Its handshake failed or took too long. Nobody could read an answer.
  server.on('tlsClientError', (_error: Error, socket: TLSSocket) => void socket.destroy());
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const entry = entries.get(keyOf(request.socket));
    if (!entry) return;
    entry.answers.set(response, request);
    response.once('close', () => entry.answers.delete(response));
  });
  return {
    get count() {
      return entries.size;
    },
    destroyAll() {
      for (const entry of [...entries.values()]) drop(entry);
    },
  };
}

/** Those that are used for something else than HTTP, which has limits of its own. */
export const upgraded = new WeakSet<Socket>();

const keys = new WeakMap<Socket, string>();

/** A socket that was closed has no addresses any more. */
function keyOf(socket: Socket): string {
  return keys.get(socket) ?? `${socket.remoteAddress} ${socket.remotePort} ${socket.localPort}`;
}

/** Node says of those that waited behind others on their connection neither that they are over nor that they never will be. */
function closeLeft({ answers }: Entry): void {
  for (const response of [...answers.keys()]) {
    if (response.closed) continue;
    response.destroy();
    response.emit('close');
  }
}

/** Half a request is none: who sends it slowly holds nothing that others may not have. */
function isIdle({ answers, spoken }: Entry): boolean {
  if (upgraded.has(spoken)) return false;
  for (const request of answers.values()) if (request.complete) return false;
  return true;
}

function largest(byClient: ReadonlyMap<string, ReadonlySet<Entry>>): Iterable<Entry> {
  let most: ReadonlySet<Entry> = new Set();
  for (const own of byClient.values()) if (own.size > most.size) most = own;
  return most;
}
