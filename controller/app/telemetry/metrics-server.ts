import { fastify } from 'fastify';
import { explain } from '../../aws/errors.ts';
import type { Log } from '../../core/log.ts';
import { brokenRequestAnswerer } from '../../http/door/broken-request.ts';
import { guardConnections } from '../../http/door/connections.ts';
import { checkHost, isLoopbackHost } from '../../http/door/safety.ts';
import { closeListener } from '../../http/listener.ts';
import { ApiError } from '../../machinery/api-error.ts';
import type { Clock } from '../../machinery/clock.ts';
import { UsageError } from '../config/usage-error.ts';
import { addressProblem } from '../listen.ts';
import type { Metrics } from './metrics.ts';

/** Where metrics, health and readiness are served. */
export interface MetricsOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** A person asked for just this address: without it the controller does not start. */
  readonly isChosen: boolean;
}

export interface MetricsParts {
  readonly metrics: Metrics;
  /** Why this process could not do its work; empty when it can. */
  readonly unready: () => Promise<readonly string[]>;
  readonly dump: () => object;
  readonly clock: Clock;
  readonly log: Log;
}

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Undefined where none is wanted, or where the usual address is not to be had. @throws UsageError when the chosen one is not */
export async function serveMetrics(
  options: MetricsOptions | undefined,
  parts: MetricsParts,
): Promise<MetricsServer | undefined> {
  if (!options) return undefined;
  const { log } = parts;
  const { host, port } = options.listen;
  const app = createApp(parts, isLoopbackHost(host));
  const connections = guardConnections(app.server, CONNECTIONS);
  const end = () => app.server.closeIdleConnections();
  try {
    const url = await app.listen({ host, port });
    log('info', 'serving metrics', { url });
    return { url, close: () => closeListener(app, parts.clock, { end, connections }) };
  } catch (error) {
    const why = addressProblem(error, options.listen) ?? explain(error);
    if (options.isChosen) throw new UsageError(`--metrics-listen: ${why}`);
    log('warn', 'metrics are not served', { error: `${why}; or say --metrics-listen none` });
    return undefined;
  }
}

/** Far more than scrapers and probes need; half for whoever asks from one address. */
const CONNECTIONS = { total: 200, perClient: 100 };
const KEEP_ALIVE_MS = 30_000;
const REQUEST_MS = 10_000;
const CHECK_MS = 5_000;

function createApp({ metrics, unready, dump, clock }: MetricsParts, isLoopback: boolean) {
  const app = fastify({
    ...{ bodyLimit: 1_024, requestTimeout: REQUEST_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    http: { headersTimeout: REQUEST_MS, connectionsCheckingInterval: CHECK_MS },
    clientErrorHandler: brokenRequestAnswerer(clock),
  });
  // Names of databases and people are in the metrics too.
  if (isLoopback) app.addHook('onRequest', async (request) => checkHost(request));
  app.setErrorHandler((error, _request, reply) => {
    const { statusCode = 500 } = error as { readonly statusCode?: number };
    const code = error instanceof ApiError ? 403 : statusCode;
    const text = code < 500 ? explain(error) : 'the server failed to answer';
    return reply.code(code).type('text/plain').send(`${text}\n`);
  });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics.render();
    return reply.type(contentType).send(text);
  });
  // That it answers is all there is to it: whoever is killed for more would not do better after it.
  app.get('/healthz', async (_request, reply) => reply.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_request, reply) => {
    const reasons = await unready();
    const text = reasons.length === 0 ? 'ok\n' : reasons.map((reason) => `not ready: ${reason}\n`).join('');
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .type('text/plain')
      .send(text);
  });
  app.get('/debug/dump', async ({ ip, host }, reply) => {
    // Names of databases and people: for those on this machine, and no page in their browser.
    const isLocal = isLoopbackHost(ip) && isLoopbackHost(host.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
    if (!isLocal) return reply.code(403).type('text/plain').send('only from this machine; or send SIGUSR2\n');
    return dump();
  });
  return app;
}
