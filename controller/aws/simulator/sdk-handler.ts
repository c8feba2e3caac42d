import type { WireRequest } from './wire/decode.ts';
import type { WireResponse } from './wire/encode.ts';

/** As much of an SDK's request as is needed. */
type SdkRequest = {
  readonly method: string;
  readonly hostname: string;
  readonly path: string;
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
    async handle({ method, path, headers, hostname, body }) {
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      const sent = { host: hostname, ...Object.fromEntries(lower) };
      const given = answer({ method, path, headers: sent, body: bodyText(body) });
      return {
        response: { statusCode: given.status, headers: { ...given.headers }, body: Buffer.from(given.body) },
      };
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy() {},
  };
}

function bodyText(body: unknown): string {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : '';
}
