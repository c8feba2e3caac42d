import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type PortRequest,
  SessionError,
  type SessionPurpose,
  type SessionRequest,
  type StreamRequest,
  type Tunnels,
} from '../../controller/api/session.ts';

export interface FakeTunnels extends Tunnels {
  /** What was opened, in order: where to, and for what. */
  readonly opened: readonly (SessionRequest & { readonly purpose: SessionPurpose })[];
  /** Tunnels and sessions that are open now. */
  readonly open: ReadonlySet<unknown>;
  /** The next that is asked for fails so. */
  failNext(error: SessionError): void;
  /** The targets of open tunnels refuse, and the plugin says so. */
  refuse(error: SessionError): void;
}

/** Sessions without Session Manager: ports lead to this machine's, commands run here. `ports` says where, for HOST:PORT. */
export function createFakeTunnels(ports: Readonly<Record<string, number>> = {}): FakeTunnels {
  const opened: (SessionRequest & { readonly purpose: SessionPurpose })[] = [];
  const open = new Set<PortRequest | StreamRequest>();
  let failure: SessionError | undefined;
  const begin = async (request: { readonly origin: PortRequest['origin'] }, purpose: SessionPurpose) => {
    opened.push({ ...(await request.origin()), purpose });
    const error = failure;
    failure = undefined;
    if (error) throw error;
  };
  return {
    ...{ opened, open },
    failNext: (error) => {
      failure = error;
    },
    refuse: (error) => {
      for (const request of open) if ('onChange' in request) request.onChange({ kind: 'refused', error });
    },
    async openPort(request) {
      const { host, port, localPort } = request;
      await begin(request, { kind: 'port', host, port, localPort });
      const pipe = await listenPipe(ports[`${host}:${port}`] ?? 0);
      open.add(request);
      const closed = once(pipe.server, 'close');
      return {
        localPort: (pipe.server.address() as AddressInfo).port,
        ended: closed.then(() => {}),
        async close() {
          open.delete(request);
          pipe.close();
          await closed;
        },
      };
    },
    async openStreams(request) {
      const { purpose } = request;
      await begin(request, purpose);
      const [program = 'sh', ...args] = purpose.kind === 'shell' ? ['sh'] : purpose.command;
      const child = spawn(program, args);
      open.add(request);
      child.stdin.on('error', () => {});
      // A child's own streams lose what was not read when it ends.
      const [stdout, stderr] = [child.stdout.pipe(new PassThrough()), child.stderr.pipe(new PassThrough())];
      const ended = once(child, 'close').then(([code]: unknown[]) => Number(code ?? 137));
      return {
        ...{ stdin: child.stdin, stdout, stderr, ended },
        async close() {
          open.delete(request);
          child.kill('SIGKILL');
          // It closes once all that it said was read, and nobody may be left to read it.
          for (const output of [child.stdout, child.stderr]) output.unpipe().resume();
          await ended;
        },
      };
    },
    openTerminal: async () => {
      throw new SessionError('PluginFailed', 'there is no terminal here', 'use another');
    },
  };
}

/** As the plugin: it takes every connection, and drops those that lead nowhere. */
async function listenPipe(to: number): Promise<{ server: Server; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}));
    void Promise.all([pipeline(near, far), pipeline(far, near)]).catch(() => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
