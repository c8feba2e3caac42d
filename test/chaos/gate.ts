import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** Where a request goes to: AWS without its tables, or the table. */
export const CHANNELS = ['aws', 'table'] as const;
export type Channel = (typeof CHANNELS)[number];

/** `lost-reply`: the request takes effect, and its answer never comes. */
export type Weather =
  | { readonly kind: 'reset' }
  | { readonly kind: 'lost-reply' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly ms: number };

/**
 * The way from one controller to AWS and the table, which an emulator of AWS has under one address. What goes wrong on it is told by
 * `set`, from one request to the next.
 */
export interface Gate {
  readonly url: string;
  readonly set: (channel: Channel, weather: Weather) => void;
  /** Unless something else has come up meanwhile. */
  readonly clear: (channel: Channel, weather?: Weather) => void;
  readonly isOpen: () => boolean;
  readonly close: () => Promise<void>;
}

const LOOK_EVERY_MS = 100;

export async function openGate(upstreams: Readonly<Partial<Record<Channel, string>>>): Promise<Gate> {
  const weathers = new Map<Channel, Weather>();
  const agent = new Agent({ keepAlive: true });
  const server = createServer((asked, response) => {
    const channel = channelOf(asked);
    const upstream = upstreams[channel];
    if (upstream === undefined) return void response.writeHead(404).end();
    pass(asked, response, { upstream, agent, weather: () => weathers.get(channel) }).catch(() =>
      asked.socket.destroy(),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set(channel, weather) {
      weathers.set(channel, weather);
      if (weather.kind === 'reset') server.closeAllConnections();
    },
    clear(channel, weather) {
      if (weather === undefined || weathers.get(channel) === weather) weathers.delete(channel);
    },
    isOpen: () => weathers.size === 0,
    close: () => close(server, agent),
  };
}

function channelOf({ headers }: IncomingMessage): Channel {
  return String(headers['x-amz-target']).startsWith('DynamoDB_') ? 'table' : 'aws';
}

interface Way {
  readonly upstream: string;
  readonly agent: Agent;
  readonly weather: () => Weather | undefined;
}

async function pass(asked: IncomingMessage, response: ServerResponse, way: Way): Promise<void> {
  const body = await read(asked);
  const met = way.weather();
  if (met?.kind === 'reset') return void asked.socket.destroy();
  if (met?.kind === 'delay') await pause(met.ms);
  while (way.weather()?.kind === 'hang' && !asked.socket.destroyed) await pause(LOOK_EVERY_MS);
  if (asked.socket.destroyed) return;
  const answer = await forward(asked, body, way);
  if (way.weather()?.kind === 'lost-reply') return void asked.socket.destroy();
  response.writeHead(answer.status, answer.headers).end(answer.body);
}

async function forward({ method, url, headers }: IncomingMessage, body: Buffer, { upstream, agent }: Way) {
  const { host } = new URL(upstream);
  const sent = request(new URL(url ?? '/', upstream), { method, agent, headers: { ...headers, host } });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 500, headers: answer.headers, body: await read(answer) };
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function close(server: Server, agent: Agent): Promise<void> {
  const closed = once(server.close(), 'close');
  server.closeAllConnections();
  agent.destroy();
  await closed;
}
