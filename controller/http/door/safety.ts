import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from '../../machinery/api-error.ts';
import type { Caller } from './request-info.ts';

export interface AccessToken {
  readonly token: string;
  readonly user: string;
}

export interface SafetyOptions {
  readonly isLoopback: boolean;
  readonly isReadOnly: boolean;
  readonly tokens: readonly AccessToken[];
}

const ANONYMOUS: Caller = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Questions that are sent as POST: they change nothing. */
const QUESTIONS = ['/apis/authentication.k8s.io/', '/apis/authorization.k8s.io/', '/bastion-operator/plan'];
const READS = ['GET', 'HEAD', 'OPTIONS'];

/** Whom a listener on `host` can be reached by: this machine alone, or others too. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return bare === 'localhost' || bare === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare);
}

/** Lets nobody in who should not be, before anything else is looked at. */
export function addSafety(app: FastifyInstance, options: SafetyOptions): void {
  const findCaller = callerFinder(options.tokens);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' });
    if (options.isLoopback) checkHost(request);
    checkOrigin(request);
    request.caller = isProbe(request) ? ANONYMOUS : findCaller(request.headers.authorization);
    refuseImpersonation(request);
    if (options.isReadOnly) checkReadOnly(request);
  });
}

/** Load balancers and kubelets have no token, and learn no more than that somebody listens. */
export function isProbe({ method, url }: FastifyRequest): boolean {
  return method === 'GET' && (url === '/healthz' || url === '/livez');
}

/** Another site's page in a browser of this machine may have its own name point here (DNS rebinding). */
export function checkHost({ headers: { host = '' } }: Pick<FastifyRequest, 'headers'>): void {
  if (isLoopbackHost(host.replace(/:\d*$/, ''))) return;
  const message = `Host ${JSON.stringify(host)} is not this machine's loopback address: use 127.0.0.1 or localhost`;
  throw new ApiError('Forbidden', message);
}

function checkOrigin({ protocol, headers: { host = '', origin } }: FastifyRequest): void {
  if (origin === undefined || origin.toLowerCase() === `${protocol}://${host}`.toLowerCase()) return;
  const message = `requests from web pages of another origin (${JSON.stringify(origin)}) are not allowed`;
  throw new ApiError('Forbidden', message);
}

/** Without tokens everybody who can connect may do everything. */
function callerFinder(tokens: readonly AccessToken[]): (authorization: string | undefined) => Caller {
  if (tokens.length === 0) return () => ANONYMOUS;
  const known = tokens.map(({ token, user }) => ({ digest: digest(token), user }));
  return (authorization = '') => {
    const sent = digest(/^bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '');
    // All of them each time: how long it takes tells nothing.
    const found = known.filter((candidate) => timingSafeEqual(candidate.digest, sent));
    const user = found[0]?.user;
    if (user === undefined) throw new ApiError('Unauthorized', 'Unauthorized');
    return { name: user, groups: ['system:authenticated'] };
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** To do as oneself what was asked to be done as another would be worse than not to do it. */
function refuseImpersonation({ headers }: FastifyRequest): void {
  if (!Object.keys(headers).some((name) => name.startsWith('impersonate-'))) return;
  const message = 'this server lets nobody act as somebody else: leave out --as, --as-group and --as-uid';
  throw new ApiError('Forbidden', message);
}

function checkReadOnly({ method, url }: FastifyRequest): void {
  if (READS.includes(method) || QUESTIONS.some((prefix) => url.startsWith(prefix))) return;
  throw new ApiError('Forbidden', 'this server is read-only: nothing can be changed through it');
}
