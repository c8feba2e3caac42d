import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { codeOf } from '../../machinery/error-code.ts';

export interface Relay {
  readonly url: string;
  close(): Promise<void>;
}

/** An SDK call, which may be sent again as nobody has accepted it. */
const MAX_BODY_BYTES = 1_000_000;
const HOPS = 3;

/**
 * An address of this process's own for a server that may move: who was given it need not know.
 * @param onRefused nobody listens at that URL any more; returns where to go on
 */
export async function serveRelay(
  first: string,
  onRefused: (gone: string) => Promise<string>,
): Promise<Relay> {
  let target = first;

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(incoming);
    for (let hop = 1; ; hop++) {
      const tried = target;
      try {
        return await forward(tried, { incoming, body, response });
      } catch (error) {
        if (codeOf(error) !== 'ECONNREFUSED' || hop === HOPS) throw error;
      }
      // Another request may have learnt it meanwhile.
      if (tried === target) target = await onRefused(tried);
    }
  }

  const server = createServer((incoming, response) => {
    // A caller repeats what was cut off, as it does with the server itself.
    pass(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, close: () => closeServer(server) };
}

interface Passing {
  readonly incoming: IncomingMessage;
  readonly body: Buffer;
  readonly response: ServerResponse;
}

/** With the caller's headers, the host too: it stands in the answers that lead back here. Rejects only before an answer begins. */
function forward(target: string, { incoming, body, response }: Passing): Promise<void> {
  return new Promise((resolve, reject) => {
    const { method, url = '/', headers } = incoming;
    const outgoing = request(new URL(url, target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy()).pipe(response);
      resolve();
    });
    outgoing.on('error', reject);
    response.once('close', () => outgoing.destroy());
    outgoing.end(body);
  });
}

async function read(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error(`the request is longer than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
