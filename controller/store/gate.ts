import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

/** Stands before a server that is open to every user of the machine and to every page in its browsers. */
export interface Gate {
  /** Lets nobody in any more, and waits for those inside: a database must not be closed under what still reads it. */
  close(): Promise<void>;
}

/** Only who could read the key gets in. */
export function createGate(server: Server, key: string): Gate {
  const [answer] = server.listeners('request') as RequestListener[];
  const inside = new Map<ServerResponse, IncomingMessage>();
  let isClosed = false;
  let onEmpty: (() => void) | undefined;
  const leave = (response: ServerResponse) => {
    inside.delete(response);
    if (inside.size === 0) onEmpty?.();
  };
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    const isAuthorised = request.headers.authorization?.includes(`Credential=${key}/`) ?? false;
    if (!isAuthorised) return response.writeHead(403).end();
    if (isClosed) return response.writeHead(503).end();
    inside.set(response, request);
    // The end of the answer, not of the connection: a client that hangs up does not end what it had asked for.
    const end = response.end.bind(response);
    response.end = ((...args: Parameters<typeof end>) => {
      leave(response);
      return end(...args);
    }) as typeof end;
    // What never arrived whole is never answered.
    request.once('close', () => request.complete || leave(response));
    return answer?.(request, response);
  });
  return {
    async close() {
      isClosed = true;
      for (const request of inside.values()) if (!request.complete) request.destroy();
      if (inside.size > 0) await new Promise<void>((resolve) => (onEmpty = resolve));
    },
  };
}
