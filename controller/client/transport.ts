import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import type { ApiError } from '../machinery/api-error.ts';
import { failureOf } from './status-error.ts';
import { unreachable } from './unreachable.ts';

/** Where a server is, how it is known, and who asks. */
export interface ServerOptions {
  /** Its path, if it has one, comes before every other. */
  readonly server: URL;
  /** Sent over TLS only. */
  readonly token?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  /** `program/version`; the program is who writes, where nobody else is named. */
  readonly userAgent: string;
}

/** Certificates and keys in PEM. */
export interface TlsOptions {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name that its certificate has to bear, when it is another one than the URL's. */
  readonly servername?: string | undefined;
  /** False takes any certificate. */
  readonly rejectUnauthorized?: boolean | undefined;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** How long the server may be silent; for ever when left out. */
  readonly silenceMs?: number;
  readonly onWarning?: ((message: string) => void) | undefined;
}

export interface Transport {
  /** A parsed answer. @throws ApiError */
  readonly call: (call: Call) => Promise<Answer>;
  /** An answer that has begun well, for the caller to read. @throws ApiError */
  readonly open: (call: Call) => Promise<IncomingMessage>;
  /** What broke while an answer was read. */
  readonly explain: (error: unknown) => ApiError;
  readonly close: () => void;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export function createTransport(options: ServerOptions): Transport {
  const { server, tls = {} } = options;
  const isTls = server.protocol === 'https:';
  const agent = isTls ? new HttpsAgent({ ...tls, keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const send = sender(options, isTls, agent);
  const explain = (error: unknown) => unreachable(server, error);
  const open = async (call: Call): Promise<IncomingMessage> => {
    const answer = await send(call).catch((error: unknown) => {
      throw explain(error);
    });
    for (const message of warningsOf(answer)) call.onWarning?.(message);
    const { statusCode = 0 } = answer;
    if (statusCode >= 200 && statusCode < 300) return answer;
    const body = await text(answer).catch(() => '');
    throw failureOf({ server, status: statusCode, body });
  };
  return {
    ...{ open, explain },
    async call(call) {
      const answer = await open(call);
      const { statusCode: status = 0 } = answer;
      const body = await text(answer).catch((error: unknown) => {
        throw explain(error);
      });
      return { status, body: parse(server, status, body) };
    },
    close: () => agent.destroy(),
  };
}

function parse(server: URL, status: number, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw failureOf({ server, status, body });
  }
}

type Send = (call: Call) => Promise<IncomingMessage>;

function sender({ server, token, userAgent }: ServerOptions, isTls: boolean, agent: HttpAgent): Send {
  const request = isTls ? requestHttps : requestHttp;
  const prefix = server.pathname.replace(/\/+$/, '');
  const send = (call: Call, isSecond: boolean): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { method, path, query, body, signal, silenceMs, contentType = 'application/json' } = call;
      const search = query && query.size > 0 ? `?${query}` : '';
      const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const headers = {
        ...{ accept: 'application/json', 'user-agent': userAgent },
        ...(payload ? { 'content-type': contentType, 'content-length': payload.length } : {}),
        ...(token !== undefined && isTls ? { authorization: `Bearer ${token}` } : {}),
      };
      const where = new URL(`${prefix}${path}${search}`, server);
      const sent = request(where, { ...{ method, headers, agent }, ...(signal ? { signal } : {}) });
      if (silenceMs !== undefined) sent.setTimeout(silenceMs, () => sent.destroy(new SilentError(silenceMs)));
      sent.on('response', resolve);
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // A kept connection that the server closed while this was on its way; a write may have taken effect all the same.
        const isStale = method === 'GET' && sent.reusedSocket && error.code === 'ECONNRESET' && !isSecond;
        if (isStale) send(call, true).then(resolve, reject);
        else reject(error);
      });
      sent.end(payload);
    });
  return (call) => send(call, false);
}

class SilentError extends Error {
  override readonly name = 'SilentError';
  constructor(silenceMs: number) {
    super(`no answer within ${Math.round(silenceMs / 1000)} s`);
  }
}

const WARNING = /^299 \S+ "((?:[^"\\]|\\.)*)"/;

function warningsOf({ headersDistinct }: IncomingMessage): string[] {
  return (headersDistinct['warning'] ?? []).flatMap((header) => {
    const [, quoted] = WARNING.exec(header) ?? [];
    return quoted === undefined ? [] : [quoted.replace(/\\(.)/gs, '$1')];
  });
}
