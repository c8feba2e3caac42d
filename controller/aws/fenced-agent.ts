import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Fenced } from '../api/fence.ts';

/** Connections wait for no other request to end: what waits would be sent without being asked about again. */
const OPTIONS = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };

/**
 * Agents that ask right before bytes leave this process. Requests that are made together are all prepared before the first is
 * sent, and Node gives a request to a socket that is still connecting: in between, the process may have been stopped for longer
 * than a tenure.
 */
export function fencedAgents(mayCall: () => boolean, connectMs: number) {
  return {
    httpAgent: fence(new Agent(OPTIONS), 'connect', mayCall, connectMs),
    httpsAgent: fence(new SecureAgent(OPTIONS), 'secureConnect', mayCall, connectMs),
  };
}

/** Hands a connection over when it stands: what is written before that is sent without passing by here. */
function fence<T extends Agent>(agent: T, standing: string, mayCall: () => boolean, connectMs: number): T {
  const open = agent.createConnection.bind(agent);
  const createConnection: typeof open = (options, opened) => {
    const socket = open(options);
    if (!socket || !opened) return socket;
    const stopWaiting = giveUpAfter(connectMs, socket);
    const fail = (error: Error) => opened(error, socket);
    socket.once('error', fail);
    socket.once(standing, () => {
      stopWaiting();
      socket.off('error', fail);
      askBeforeWriting(socket, mayCall);
      opened(null, socket);
    });
    return undefined;
  };
  return Object.assign(agent, { createConnection });
}

/** A request has no socket yet that it could destroy when it gives up, so one that never stands ends by itself. */
function giveUpAfter(connectMs: number, socket: Duplex): () => void {
  if (!(socket instanceof Socket)) return () => {};
  const giveUp = () => void socket.destroy(new Error(`no connection within ${connectMs} ms`));
  socket.setTimeout(connectMs, giveUp);
  return () => void socket.setTimeout(0, giveUp);
}

function askBeforeWriting(socket: Duplex, mayCall: () => boolean): void {
  const refuse = () => void socket.destroy(new Fenced('a request'));
  const write = socket._write.bind(socket);
  const writeAll = socket._writev?.bind(socket);
  socket._write = (...args) => (mayCall() ? write(...args) : refuse());
  if (writeAll) socket._writev = (...args) => (mayCall() ? writeAll(...args) : refuse());
}
