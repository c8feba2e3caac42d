import { createServer, type IncomingMessage, type Server } from 'node:http';
import { channelId, namesStream, serveChannel, withLocalStream } from './data-channel.ts';
import { LostReply } from './faults.ts';
import type { Simulator } from './simulator.ts';

const MAX_BODY_BYTES = 1_000_000;
/** In each answer, where it was given an id: which simulated AWS it is, as others may have the same port later. */
export const SIMULATION_HEADER = 'x-simulated-aws';

export interface SimulatorServer {
  /** Given to an SDK client as its `endpoint`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the simulator to other processes of this machine only. Port 0 takes a free one. */
export async function serveSimulator(
  simulator: Pick<Simulator, 'handle' | 'openChannel' | 'settle' | 'world'>,
  { port = 0, id }: { port?: number; id?: string } = {},
): Promise<SimulatorServer> {
  const server = createServer((request, response) => {
    if (id !== undefined) response.setHeader(SIMULATION_HEADER, id);
    if (isFromWebPage(request)) return void response.writeHead(403).end('only for programs of this machine');
    const channel = channelId(request);
    if (channel !== undefined) return serveChannel(simulator, channel, request, response);
    read(request)
      .then((body) => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, `${value}`]),
        );
        const { method = 'GET', url: path = '/' } = request;
        const answer = simulator.handle({ method, path, headers, body });
        const { host = '' } = request.headers;
        const text = namesStream(request) ? withLocalStream(answer.body, host) : answer.body;
        const length = answer.headers['content-length'];
        const fitting = length === undefined ? {} : { 'content-length': Buffer.byteLength(text) };
        response.writeHead(answer.status, { ...answer.headers, ...fitting }).end(text);
      })
      .catch((error: unknown) => {
        if (error instanceof LostReply || response.headersSent) return request.socket.destroy();
        response
          .writeHead(500, { 'content-type': 'text/plain' })
          .end(`The simulated AWS failed: ${String(error)}`);
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${portOf(server)}`, close: () => closeServer(server) };
}

/** Its shells are this machine's own: a page in a browser must not reach it, under whatever name. */
function isFromWebPage({ headers: { origin, host = '' } }: IncomingMessage): boolean {
  return origin !== undefined || !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host);
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error(`the request is longer than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
