import { createServer, type Server, type Socket } from 'node:net';
import {
  type PortRequest,
  type PortTunnel,
  SessionError,
  type SessionFailure,
  type Sessions,
} from '../api/session.ts';
import { type Clock, sleep, type Timer } from '../machinery/clock.ts';
import { codeOf } from '../machinery/error-code.ts';
import type { Plugin } from './plugin.ts';
import { openLink, type PortLink } from './port-link.ts';
import { relay } from './relay.ts';

export interface PortTunnelOptions {
  readonly sessions: Sessions;
  readonly plugin: Plugin;
  readonly clock: Clock;
  readonly request: PortRequest;
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
/** A session that lasted this long did not fail by what comes next. */
const STABLE_MS = 60_000;
/** Clients give up by themselves after about as long. */
const LONGEST_WAIT_MS = 30_000;
/** A pool of connections fails many times a second, for one reason. */
const REFUSED_EVERY_MS = 30_000;

/** What trying again does not mend. All else may: a task is replaced, a network comes back, another session ends. */
const PERMANENT: ReadonlySet<SessionFailure> = new Set([
  'PluginMissing',
  'PluginTooOld',
  'NoCredentials',
  'CredentialsExpired',
  'AccessDenied',
  'AdvancedTierOff',
  'Refused',
] as const);

/** @throws SessionError */
export async function openPortTunnel(options: PortTunnelOptions, signal: AbortSignal): Promise<PortTunnel> {
  const tunnel = new Tunnel(options);
  // Before there is a session: a port that is taken should not cost one.
  await tunnel.listen();
  const close = () => void tunnel.close().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  void tunnel.ended.catch(() => undefined).then(() => signal.removeEventListener('abort', close));
  try {
    signal.throwIfAborted();
    await tunnel.start();
  } catch (error) {
    await tunnel.close().catch(() => undefined);
    signal.throwIfAborted();
    throw error;
  }
  return tunnel;
}

class Tunnel implements PortTunnel {
  readonly #options: PortTunnelOptions;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #waiting = new Map<Socket, Timer>();
  readonly #stopped = new AbortController();
  #tellClient: () => void = () => undefined;
  #link: PortLink | undefined;
  #running: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #failures = 0;
  #refusedMs = Number.NEGATIVE_INFINITY;
  /** When the last client left; a plugin that dies takes its clients along before it is known to be gone. */
  #usedMs = Number.NEGATIVE_INFINITY;
  #settle: { resolve(): void; reject(error: unknown): void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };
  readonly ended: Promise<void>;
  localPort = 0;

  constructor(options: PortTunnelOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#take(client));
    this.ended = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.ended.catch(() => undefined);
  }

  async listen(): Promise<void> {
    const { localPort } = this.#options.request;
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(cannotListen(localPort, error)));
      server.listen(localPort, '127.0.0.1', resolve);
    });
    const address = server.address();
    this.localPort = typeof address === 'object' && address ? address.port : localPort;
  }

  /** The first session; those after it are this object's own affair. */
  async start(): Promise<void> {
    const link = await this.#open();
    this.#running = this.#keep(link).catch((error: unknown) => this.#fail(error));
    this.#stopped.signal.throwIfAborted();
  }

  close(): Promise<void> {
    this.#closed ??= this.#end().finally(() => this.#settle.resolve());
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#stopped.abort(new SessionError('Refused', 'the tunnel was closed', 'open it again'));
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const client of this.#clients) client.destroy();
    const link = this.#link;
    this.#link = undefined;
    const [, ending] = await Promise.allSettled([closed, link?.close(), this.#running]);
    if (ending.status === 'rejected') throw ending.reason;
  }

  async #fail(error: unknown): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    this.#settle.reject(error);
    this.#running = Promise.resolve();
    await this.close().catch(() => undefined);
  }

  #open(): Promise<PortLink> {
    const onTargetFailed = () => this.#tellRefused();
    return openLink({ ...this.#options, onTargetFailed }, this.#stopped.signal);
  }

  /** Until closed. @throws SessionError when it cannot go on */
  async #keep(first: PortLink): Promise<void> {
    const { clock, request } = this.#options;
    for (let link: PortLink | undefined = first; link; ) {
      if (this.#stopped.signal.aborted) return link.close();
      const sinceMs = clock.monotonic();
      this.#use(link);
      const why: string = await link.dropped;
      if (this.#stopped.signal.aborted) return;
      this.#link = undefined;
      const nowMs = clock.monotonic();
      const isUsed = this.#clients.size > 0 || nowMs - this.#usedMs < STABLE_MS;
      this.#endCarried();
      const lasted = nowMs - sinceMs >= STABLE_MS;
      if (lasted) this.#failures = 0;
      link = lasted && !isUsed ? await this.#reopenWhenUsed(why) : await this.#reopen(why);
      if (link) request.onChange({ kind: 'reconnected' });
    }
  }

  /**
   * Session Manager ends a session that nobody uses. One in its place would be open for nobody too, and keep a Bastion from ending by
   * its idleTimeout. Undefined once this tunnel is closed. @throws SessionError
   */
  async #reopenWhenUsed(why: string): Promise<PortLink | undefined> {
    const { signal } = this.#stopped;
    this.#options.request.onChange({ kind: 'rested', why });
    const client = new Promise<void>((resolve) => {
      this.#tellClient = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    if (this.#clients.size === 0) await client;
    if (signal.aborted) return undefined;
    try {
      return await this.#open();
    } catch (error) {
      return signal.aborted ? undefined : this.#reopen(passingReason(error));
    }
  }

  /** Undefined once this tunnel is closed. @throws SessionError */
  async #reopen(firstWhy: string): Promise<PortLink | undefined> {
    const { clock, request } = this.#options;
    const { signal } = this.#stopped;
    for (let why = firstWhy; ; ) {
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS);
      // One that opens and dies at once counts too: it must not be opened every second.
      this.#failures += 1;
      request.onChange({ kind: 'dropped', why, retryInMs });
      await sleep(clock, retryInMs, signal);
      if (signal.aborted) return undefined;
      try {
        return await this.#open();
      } catch (error) {
        if (signal.aborted) return undefined;
        why = passingReason(error);
      }
    }
  }

  #use(link: PortLink): void {
    this.#link = link;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [client, timer] of waiting) {
      timer.cancel();
      this.#carry(client, link);
    }
  }

  /** Those that a plugin carried which is gone. */
  #endCarried(): void {
    for (const client of this.#clients) if (!this.#waiting.has(client)) client.destroy();
  }

  #take(client: Socket): void {
    if (this.#stopped.signal.aborted) return void client.destroy();
    this.#clients.add(client);
    client.on('error', () => client.destroy());
    client.once('close', () => {
      this.#clients.delete(client);
      this.#usedMs = this.#options.clock.monotonic();
      this.#waiting.get(client)?.cancel();
      this.#waiting.delete(client);
    });
    if (this.#link) {
      this.#carry(client, this.#link);
      return;
    }
    this.#wait(client);
    this.#tellClient();
  }

  /** For the next session. */
  #wait(client: Socket): void {
    if (client.destroyed) return;
    const timer = this.#options.clock.setTimer(LONGEST_WAIT_MS, () => client.destroy());
    this.#waiting.set(client, timer);
  }

  #carry(client: Socket, link: PortLink): void {
    relay(client, link.port, this.#options.clock, {
      onUnreachable: () => {
        this.#wait(client);
        // Of a plugin that lives on and takes nobody, nothing is to be had any more.
        link.close().catch(() => undefined);
      },
      onClosedAtOnce: () => this.#tellRefused(),
    });
  }

  #tellRefused(): void {
    const { clock, request } = this.#options;
    const nowMs = clock.monotonic();
    if (nowMs - this.#refusedMs < REFUSED_EVERY_MS) return;
    this.#refusedMs = nowMs;
    const { host, port } = request;
    const error = new SessionError(
      'TargetRefused',
      `the bastion cannot connect to ${host}:${port}, or is turned away there`,
      'check that the database runs, that host and port are right, and that its security group lets the bastion in: ' +
        '`bastionctl doctor` looks at each',
    );
    request.onChange({ kind: 'refused', error });
  }
}

/** @throws the error itself when trying again does not mend it */
function passingReason(error: unknown): string {
  if (error instanceof SessionError && PERMANENT.has(error.failure)) throw error;
  return error instanceof Error ? error.message : String(error);
}

function cannotListen(port: number, error: Error): SessionError {
  const options = { cause: error };
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new SessionError(
        'PortTaken',
        `port ${port} of this machine is taken by another program`,
        'end that program, or choose another port with --local-port; 0 takes any that is free',
        options,
      );
    case 'EACCES':
      return new SessionError(
        'PortTaken',
        `port ${port} of this machine is not for everybody`,
        'choose one from 1024 with --local-port',
        options,
      );
    default:
      return new SessionError(
        'PortTaken',
        `cannot listen on port ${port}: ${error.message}`,
        'choose another',
        options,
      );
  }
}
