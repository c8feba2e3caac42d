import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { Fenced } from '../api/fence.ts';

/** Connections wait for no other request to end: what waits would be sent without being asked about again. */
const OPTIONS = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };

/**
 * Agents that ask right before bytes leave this process. Requests that are made together are all prepared before the first is
 * sent, and Node gives a request to a socket that is still connecting: in between, the process may have been stopped for longer
 * than a tenure.
 */
export function fencedAgents(mayCall: () => boolean) {
  return {
    httpAgent: fence(new Agent(OPTIONS), 'connect', mayCall),
    httpsAgent: fence(new SecureAgent(OPTIONS), 'secureConnect', mayCall),
  };
}

/** Hands a connection over when it stands: what is written before that is sent without passing by here. */
function fence<T extends Agent>(agent: T, standing: string, mayCall: () => boolean): T {
  const open = agent.createConnection.bind(agent);
  const createConnection: typeof open = (options, opened) => {
    const socket = open(options);
    if (!socket || !opened) return socket;
    const fail = (error: Error) => opened(error, socket);
    socket.once('error', fail);
    socket.once(standing, () => {
      socket.off('error', fail);
      askBeforeWriting(socket, mayCall);
      opened(null, socket);
    });
    return undefined;
  };
  return Object.assign(agent, { createConnection });
}

function askBeforeWriting(socket: Duplex, mayCall: () => boolean): void {
  const refuse = () => void socket.destroy(new Fenced('a request'));
  const write = socket._write.bind(socket);
  const writeAll = socket._writev?.bind(socket);
  socket._write = (...args) => (mayCall() ? write(...args) : refuse());
  if (writeAll) socket._writev = (...args) => (mayCall() ? writeAll(...args) : refuse());
}
