import { setMaxListeners } from 'node:events';
import fastify, { type FastifyInstance } from 'fastify';
import { createTurns } from '../machinery/turns.ts';
import type { AddRoutes, ServerContext } from './context.ts';
import { addAbout } from './discovery/about.ts';
import { addDiscovery } from './discovery/discovery.ts';
import { addOpenApi } from './discovery/openapi.ts';
import { addUnserved } from './discovery/unserved.ts';
import { addVersion } from './discovery/version.ts';
import { addAdmission } from './door/admission.ts';
import { brokenRequestAnswerer } from './door/broken-request.ts';
import { guardConnections } from './door/connections.ts';
import { createPlaces, type PlaceLimits } from './door/places.ts';
import { addSafety, isLoopbackHost } from './door/safety.ts';
import { bindingOf, checkListener, closeListener, type ListenOptions, urlOf } from './listener.ts';
import { addLogs } from './pods/logs.ts';
import { addPodSessions } from './pods/pod-sessions.ts';
import { addPods } from './pods/pods.ts';
import type { RequestFailure, Serving } from './serving.ts';
import { addBodies } from './verbs/body.ts';
import { addEventsV1 } from './verbs/events-v1.ts';
import { suffixesFrom } from './verbs/generate-name.ts';
import { addGitSources } from './verbs/git-sources.ts';
import { addNamespaces } from './verbs/namespaces.ts';
import { addPlan } from './verbs/plan.ts';
import { addResources } from './verbs/resource-routes.ts';
import { addReviews } from './verbs/reviews.ts';
import { answerFailure, answerUnknownPath } from './verbs/status-error.ts';
import { createEventEncoder } from './watch/event-encoder.ts';

export interface ApiServerOptions extends ServerContext, ListenOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** For the ends of generated names: another text each time. */
  readonly newId: () => string;
  /** Told of each failure that is the server's own; clients only learn that there was one. */
  readonly onFailure: (failure: RequestFailure) => void;
}

/** Each but the size of a body: in all, and for one client. */
export interface Limits {
  readonly bodyBytes: number;
  readonly connections: PlaceLimits;
  /** What is asked and not read to its end yet, but for watches and the like. */
  readonly requests: PlaceLimits;
  /** One connection each. */
  readonly watches: PlaceLimits;
  /** Of bodies that arrive and of answers that wait to be read. */
  readonly bytes: PlaceLimits;
}

export interface ApiServer {
  /** Such as `http://127.0.0.1:8088`. */
  readonly url: string;
  /** Ends all watches at once; what else is being answered has a moment to finish. */
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
/**
 * Bodies: more than twice what an object may take in the store, for who writes it prettily.
 *
 * Half of everything for one client. Everybody on this machine is one, under 127.0.0.1: a dozen of k9s, each with some twenty
 * watches, and as many kubectl and bastionctl as people start, stay below a half. So do all who come through one load balancer with
 * one token. A smaller share would be in their way, a larger one would leave too little to others.
 */
const LIMITS: Limits = {
  bodyBytes: MIB,
  connections: { total: 2_000, perClient: 1_000 },
  requests: { total: 400, perClient: 200 },
  watches: { total: 1_000, perClient: 500 },
  bytes: { total: 128 * MIB, perClient: 64 * MIB },
};
/** So many large pieces are handed to sockets at once: hundreds would keep everybody else waiting for seconds. */
const MAX_SENDING = 8;
/** From the first packet to the end of the TLS handshake. */
const HANDSHAKE_MS = 10_000;
/** As long as clients keep idle connections: who ends them first must not be us, with a request on its way. */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_MS = 15_000;
const REQUEST_MS = 60_000;
/** How often it is looked for those that take longer. */
const CHECK_MS = 5_000;
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
  const limits = { ...LIMITS, ...options.limits };
  const app = createApp(options, limits);
  const connections = guardConnections(app.server, limits.connections);
  app.decorate('serving', createServing(options, limits, closing.signal));
  app.decorateRequest('place', undefined);
  app.decorateRequest('bodyPlace', undefined);
  app.decorateRequest('subject', undefined);
  app.decorateRequest('caller');
  app.setErrorHandler(answerFailure);
  app.setNotFoundHandler(answerUnknownPath);
  const isLoopback = isLoopbackHost(options.listen.host);
  addSafety(app, { isLoopback, isReadOnly: options.isReadOnly, tokens: options.tokens ?? [] });
  addAdmission(app, options.clock);
  addBodies(app);
  for (const add of ROUTES) add(app, options);
  await app.listen(bindingOf(options));
  const end = () => closing.abort();
  return { url: urlOf(app, options), close: () => closeListener(app, options.clock, { end, connections }) };
}

function createApp({ tls, clock }: ApiServerOptions, { bodyBytes }: Limits): FastifyInstance {
  const common = {
    bodyLimit: bodyBytes,
    exposeHeadRoutes: false,
    // Its own answer is no Status; who is connected while the server closes is still answered.
    return503OnClosing: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_MS,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    frameworkErrors: answerFailure,
    clientErrorHandler: brokenRequestAnswerer(clock),
    genReqId: () => '',
  };
  const socket = {
    ...{ keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS },
    ...{ headersTimeout: HEADERS_MS, connectionsCheckingInterval: CHECK_MS },
  };
  if (!tls) return fastify({ ...common, http: socket });
  const https = { ...socket, ...tls, handshakeTimeout: HANDSHAKE_MS };
  return withCertificate(() => fastify({ ...common, https }) as unknown as FastifyInstance);
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

function createServing(
  { clock, newId, onFailure }: ApiServerOptions,
  limits: Limits,
  closing: AbortSignal,
): Serving {
  return {
    ...{ closing, clock, onFailure, newSuffix: suffixesFrom(newId) },
    requests: createPlaces(limits.requests, 'requests', clock),
    watches: createPlaces(limits.watches, 'watches', clock),
    turns: createTurns(MAX_SENDING),
    bytes: createPlaces(limits.bytes, 'bytes of requests and answers', clock),
    encoder: createEventEncoder(clock, closing),
  };
}
