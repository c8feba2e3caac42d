import { setMaxListeners } from 'node:events';
import fastify, { type FastifyInstance } from 'fastify';
import { addAbout } from './about.ts';
import { addBodies } from './body.ts';
import { answerBrokenRequest } from './broken-request.ts';
import type { AddRoutes, ServerContext } from './context.ts';
import { addDiscovery } from './discovery.ts';
import { createEventEncoder } from './event-encoder.ts';
import { addEventsV1 } from './events-v1.ts';
import { suffixesFrom } from './generate-name.ts';
import { addGitSources } from './git-sources.ts';
import { bindingOf, checkListener, closeListener, type ListenOptions, urlOf } from './listener.ts';
import { addLogs } from './logs.ts';
import { addNamespaces } from './namespaces.ts';
import { addOpenApi } from './openapi.ts';
import { addPlan } from './plan.ts';
import { addPodSessions } from './pod-sessions.ts';
import { addPods } from './pods.ts';
import { addResources } from './resource-routes.ts';
import { addReviews } from './reviews.ts';
import { addReadLimit, addSafety, isLoopbackHost } from './safety.ts';
import type { RequestFailure, Serving } from './serving.ts';
import { answerFailure, answerUnknownPath } from './status-error.ts';
import { addUnserved } from './unserved.ts';
import { addVersion } from './version.ts';
import { createWatches } from './watches.ts';

export interface ApiServerOptions extends ServerContext, ListenOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** For the ends of generated names: another text each time. */
  readonly newId: () => string;
  /** Told of each failure that is the server's own; clients only learn that there was one. */
  readonly onFailure: (failure: RequestFailure) => void;
}

export interface Limits {
  readonly bodyBytes: number;
  readonly watches: number;
  readonly connections: number;
}

export interface ApiServer {
  /** Such as `http://127.0.0.1:8088`. */
  readonly url: string;
  /** Ends all watches at once; what else is being answered has a moment to finish. */
  close(): Promise<void>;
}

/** As Kubernetes has it for bodies. Watches are one connection each. */
const LIMITS: Limits = { bodyBytes: 3 * 1024 * 1024, watches: 1_000, connections: 2_000 };
/** As long as clients keep idle connections: who ends them first must not be us, with a request on its way. */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_MS = 15_000;
const REQUEST_MS = 60_000;
/** A client that has vanished without a word is noticed by its silent socket. */
const PROBE_AFTER_MS = 30_000;
/** The longest name, escaped in full. */
const MAX_PARAMETER = 3 * 253;

const ROUTES: readonly AddRoutes[] = [
  addDiscovery,
  addOpenApi,
  addVersion,
  addResources,
  addReviews,
  addGitSources,
  addNamespaces,
  addEventsV1,
  addPods,
  addPodSessions,
  addLogs,
  addPlan,
  addAbout,
  addUnserved,
];

/**
 * Serves the Kubernetes API to kubectl and whoever else speaks it.
 * @throws Error when it would be open to others without TLS and tokens, or cannot listen
 */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  checkListener(options);
  const closing = new AbortController();
  // Every watch listens to it: that so many do is no leak.
  setMaxListeners(0, closing.signal);
  const app = createApp(options);
  app.decorate('serving', createServing(options, closing.signal));
  app.decorateRequest('subject', undefined);
  app.decorateRequest('caller');
  app.setErrorHandler(answerFailure);
  app.setNotFoundHandler(answerUnknownPath);
  const isLoopback = isLoopbackHost(options.listen.host);
  addSafety(app, { isLoopback, isReadOnly: options.isReadOnly, tokens: options.tokens ?? [] });
  addReadLimit(app, options.clock);
  addBodies(app);
  for (const add of ROUTES) add(app, options);
  await app.listen(bindingOf(options));
  return { url: urlOf(app, options), close: () => closeListener(app, options.clock, () => closing.abort()) };
}

function createApp({ tls, limits }: ApiServerOptions): FastifyInstance {
  const { bodyBytes, connections } = { ...LIMITS, ...limits };
  const common = {
    bodyLimit: bodyBytes,
    exposeHeadRoutes: false,
    // Its own answer is no Status; who is connected while the server closes is still answered.
    return503OnClosing: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_MS,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    frameworkErrors: answerFailure,
    clientErrorHandler: answerBrokenRequest,
    genReqId: () => '',
  };
  const socket = { keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS, headersTimeout: HEADERS_MS };
  const app = tls
    ? withCertificate(
        () => fastify({ ...common, https: { ...socket, ...tls } }) as unknown as FastifyInstance,
      )
    : fastify({ ...common, http: socket });
  app.server.maxConnections = connections;
  return app;
}

/** @throws Error saying that it is the certificate, which the message of the TLS library does not */
function withCertificate<R>(create: () => R): R {
  try {
    return create();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`the certificate and its key cannot be used: ${why}`, { cause: error });
  }
}

function createServing({ clock, limits, newId, onFailure }: ApiServerOptions, closing: AbortSignal): Serving {
  return {
    ...{ closing, clock, onFailure, newSuffix: suffixesFrom(newId) },
    watches: createWatches(limits?.watches ?? LIMITS.watches),
    encoder: createEventEncoder(clock, closing),
  };
}
