import { type IncomingMessage, request as send } from 'node:http';
import { request as sendSecurely } from 'node:https';
import type { ApiClient } from '../../controller/api/client.ts';
import { type ApiServerOptions, createApiServer } from '../../controller/http/server.ts';
import type { RequestFailure } from '../../controller/http/serving.ts';
import type { VirtualClock } from '../clock.ts';
import { createFixture } from '../server/fixture.ts';

export const BASTIONS = '/apis/bastion-operator.dev/v1alpha1/namespaces/default/bastions';
export const ALL_BASTIONS = '/apis/bastion-operator.dev/v1alpha1/bastions';
export const EVENTS = '/api/v1/namespaces/default/events';

export interface Rig {
  readonly clock: VirtualClock;
  readonly api: ApiClient;
  readonly url: string;
  readonly failures: readonly RequestFailure[];
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** The lines of a watch as they come. */
  watch(path: string, headers?: Record<string, string>): Promise<Lines>;
  close(): Promise<void>;
}

export interface CallOptions {
  /** Objects go as JSON, unless the headers say otherwise; an empty Content-Type is left out. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // What an answer holds is for each test to know.
  readonly json: Json;
}

export type Json = { readonly [field: string]: Json } & { readonly [index: number]: Json } & readonly Json[];

export interface Lines {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  next(): Promise<Json | undefined>;
  stop(): void;
}

export async function createRig(options: Partial<ApiServerOptions> = {}): Promise<Rig> {
  const { clock, api } = createFixture();
  const failures: RequestFailure[] = [];
  let ids = 0;
  const server = await createApiServer({
    ...{ api, clock, version: '0.1.0', isReadOnly: false, taskLogs: undefined, preview: undefined },
    ...{ listen: { host: '127.0.0.1', port: 0 }, newId: () => `id-${++ids}` },
    onFailure: (failure) => failures.push(failure),
    ...options,
  });
  const { url, close } = server;
  return {
    ...{ clock, api, url, failures, close },
    call: (method, path, more) => call(url, method, path, more),
    watch: (path, headers = {}) => openLines(url, path, headers),
  };
}

function call(url: string, method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { body } = options;
    const text =
      body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const { 'Content-Type': type = body === undefined ? '' : 'application/json', ...rest } =
      options.headers ?? {};
    const headers = {
      ...(type === '' ? {} : { 'Content-Type': type }),
      ...(text === undefined ? {} : { 'Content-Length': Buffer.byteLength(text) }),
      ...rest,
    };
    const open = url.startsWith('https:') ? sendSecurely : send;
    const sent = open(
      new URL(url),
      { method, path, headers, agent: false, rejectUnauthorized: false },
      (got) => {
        readAll(got).then((found) => resolve(answerOf(got, found)), reject);
      },
    );
    sent.on('error', reject);
    sent.end(text);
  });
}

async function readAll(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message.setEncoding('utf8')) text += chunk;
  return text;
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, text: string): Answer {
  const isJson = headers['content-type']?.startsWith('application/json') === true;
  return { code: statusCode, headers, text, json: isJson && text !== '' ? JSON.parse(text) : undefined };
}

function openLines(url: string, path: string, headers: Record<string, string>): Promise<Lines> {
  return new Promise((resolve, reject) => {
    const sent = send(new URL(url), { path, headers, agent: false }, (got) => {
      const lines = linesOf(got);
      resolve({
        ...{ code: got.statusCode ?? 0, headers: got.headers },
        next: async () => (await lines.next()).value,
        stop: () => void sent.destroy(),
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function* linesOf(message: IncomingMessage): AsyncGenerator<Json, undefined> {
  let rest = '';
  for await (const chunk of message.setEncoding('utf8')) {
    rest += chunk;
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line);
  }
  return undefined;
}
