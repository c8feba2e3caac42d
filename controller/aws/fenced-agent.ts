import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { Fenced } from '../api/fence.ts';

/** Connections wait for no other request to end: what waits would be sent without being asked about again. */
const OPTIONS = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };

/**
 * Agents that ask again when a new connection stands. Node gives a request to a socket that is still connecting, which sends it as
 * soon as it can: by then this process may have been stopped for longer than a tenure.
 */
export function fencedAgents(mayCall: () => boolean) {
  return {
    httpAgent: fence(new Agent(OPTIONS), 'connect', mayCall),
    httpsAgent: fence(new SecureAgent(OPTIONS), 'secureConnect', mayCall),
  };
}

function fence<T extends Agent>(agent: T, standing: string, mayCall: () => boolean): T {
  const open = agent.createConnection.bind(agent);
  const createConnection: typeof open = (options, opened) => {
    const socket = open(options);
    if (!socket || !opened) return socket;
    const fail = (error: Error) => opened(error, socket);
    socket.once('error', fail);
    socket.once(standing, () => {
      socket.off('error', fail);
      if (mayCall()) return opened(null, socket);
      socket.destroy();
      fail(new Fenced('a request'));
    });
    // Handed over later.
    return undefined;
  };
  return Object.assign(agent, { createConnection });
}
