import { Agent, request } from 'node:http';
import type { WireResponse } from '../../controller/simulator/wire/encode.ts';
import type { WireRequest } from '../../controller/simulator/wire/request.ts';

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** Sends one signed AWS request to the moto server as it is: moto reads service and region from the signature. */
export function sendTo(url: string, { method, path, headers, body }: WireRequest): Promise<WireResponse> {
  const target = new URL(path, url);
  const length = String(Buffer.byteLength(body));
  const own = { ...headers, host: target.host, 'content-length': length };
  return new Promise((resolve, reject) => {
    const sent = request(target, { method, agent, headers: own }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () =>
        resolve({
          status: reply.statusCode ?? 500,
          headers: { 'content-type': reply.headers['content-type'] ?? '' },
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
