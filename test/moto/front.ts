import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import { createRouter } from './router.ts';

export interface FrontOptions {
  readonly motoUrl: string;
  /** Answers what moto has not got. */
  readonly simulator: Simulator;
}

/** One address for programs of their own process: moto, and the simulator for what it lacks. */
export async function serveFront({
  motoUrl,
  simulator,
}: FrontOptions): Promise<{ url: string; close: () => Promise<void> }> {
  const router = createRouter({ motoUrl, simulator, adapters: new Map() });
  const server = createServer((request, response) => {
    const answer = async () => {
      const { method = 'GET', url: path = '/' } = request;
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, `${value}`]),
      );
      const body = await textOf(request);
      const given = await router.handle({ method, path, headers, hostname: '127.0.0.1', body });
      const said = given.response;
      const type = said.headers['content-type'] ?? said.headers['Content-Type'];
      response.writeHead(said.statusCode, type === undefined ? {} : { 'content-type': type });
      response.end(said.body);
    };
    answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
