import type { WireResponse } from './wire/encode.ts';
import type { WireRequest } from './wire/request.ts';

type Query = Readonly<Record<string, string | readonly string[] | null>>;

/** As much of an SDK's request as is needed. */
type SdkRequest = {
  readonly method: string;
  readonly hostname: string;
  readonly path: string;
  readonly query?: Query;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

/** A handler as SDK clients take it. A type alias, since only those fit the SDK's index signature. */
export type RequestHandler = {
  handle(request: SdkRequest): Promise<{
    response: { statusCode: number; headers: Record<string, string>; body: Uint8Array };
  }>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
};

/** Connects SDK clients with `answer` without a socket. */
export function createRequestHandler(answer: (request: WireRequest) => WireResponse): RequestHandler {
  return {
    async handle({ method, path, query, headers, hostname, body }) {
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      const sent = { host: hostname, ...Object.fromEntries(lower) };
      const given = answer({ method, path: path + queryText(query), headers: sent, body: bodyText(body) });
      return {
        response: { statusCode: given.status, headers: { ...given.headers }, body: Buffer.from(given.body) },
      };
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy() {},
  };
}

/** As it stands behind the path in a request over HTTP. */
export function queryText(query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value ?? ''].flat().map((one): [string, string] => [name, one]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

function bodyText(body: unknown): string {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : '';
}
