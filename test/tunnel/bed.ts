import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  PortTunnel,
  SessionPurpose,
  SessionRequest,
  Sessions,
  TunnelChange,
} from '../../controller/api/session.ts';
import { createTunnels } from '../../controller/tunnel/tunnels.ts';
import { VirtualClock } from '../clock.ts';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
export const SIMULATED = [process.execPath, '--import', 'tsx', file('../../controller/simulated-plugin.ts')];
export const DOUBLE = [process.execPath, file('./plugin-double.mjs')];
/** Real processes start meanwhile, on a machine that others use too. */
export const PATIENCE = { timeout: 20_000, interval: 20 };

let worlds = 0;

export interface BedOptions {
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A person's sessions without AWS, and tunnels of real plugin processes. */
export async function openBed({ command = SIMULATED, env = {} }: BedOptions = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'tunnel-'));
  const notes = join(dir, 'notes');
  writeFileSync(notes, '');
  const world = ++worlds;
  const target = `ecs:c_${process.pid}-${world}_r`;
  const token = `secret-${process.pid}-${world}`;
  const channels = new Map<string, ServerResponse>();
  const channelServer = createHttpServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${token}`) return void response.writeHead(403).end();
    response.writeHead(200).flushHeaders();
    channels.set(request.url ?? '', response);
  });
  const channelPort = await listen(channelServer);
  const started: SessionRequest[] = [];
  const terminated: string[] = [];
  const failures: Error[] = [];
  const endChannel = (id: string) => channels.get(`/v1/data-channel/${id}`)?.end();
  const sessions: Sessions = {
    async start(request) {
      const failure = failures.shift();
      if (failure) throw failure;
      started.push(request);
      const id = `s-${world}-${started.length}`;
      const response = {
        SessionId: id,
        TokenValue: token,
        StreamUrl: `ws://127.0.0.1:${channelPort}/v1/data-channel/${id}`,
      };
      const handover = {
        response: JSON.stringify(response),
        request: JSON.stringify({ Target: request.target, ...documentFor(request.purpose) }),
        profile: 'staging',
        endpoint: `http://127.0.0.1:${channelPort}`,
      };
      return { id, region: request.region, handover };
    },
    async terminate({ id }) {
      terminated.push(id);
      endChannel(id);
    },
  };
  const clock = new VirtualClock();
  const plugin = { command, env: { ...process.env, ...env, PLUGIN_NOTES: notes } };
  const tunnels = createTunnels({ sessions, clock, plugin });
  const origin = async () => ({ region: 'eu-west-1', target, reason: 'a test' });
  const opened: PortTunnel[] = [];
  const changes: TunnelChange[] = [];
  return {
    ...{ dir, target, token, clock, sessions, tunnels, origin, started, terminated, failures, changes },
    plugin,
    /** As its idle time does. */
    endSession: () => endChannel(`s-${world}-${started.length}`),
    notes: (): Record<string, unknown>[] =>
      readFileSync(notes, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    /** Ids of the plugins that run for this bed. */
    running: () => processesWith(target),
    async openPort(port: number, localPort = 0, signal = new AbortController().signal) {
      const onChange = (change: TunnelChange) => void changes.push(change);
      const request = { origin, host: '127.0.0.1', port, localPort, onChange };
      const tunnel = await tunnels.openPort(request, signal);
      opened.push(tunnel);
      return tunnel;
    },
    async close() {
      await Promise.all(opened.map((tunnel) => tunnel.close().catch(() => undefined)));
      for (const pid of processesWith(target)) process.kill(pid, 'SIGKILL');
      channelServer.close();
      channelServer.closeAllConnections();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export type Bed = Awaited<ReturnType<typeof openBed>>;

function documentFor(purpose: SessionPurpose): object {
  if (purpose.kind === 'shell') return {};
  if (purpose.kind === 'command')
    return {
      DocumentName: 'AWS-StartInteractiveCommand',
      Parameters: { command: [purpose.command.join(' ')] },
    };
  const { host, port, localPort } = purpose;
  const Parameters = { host: [host], portNumber: [`${port}`], localPortNumber: [`${localPort}`] };
  return { DocumentName: 'AWS-StartPortForwardingSessionToRemoteHost', Parameters };
}

/** As `ps` shows them to everybody. */
export function processesWith(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandOf(pid).includes(text))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

export function listen(server: Server, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** A TCP server; what it does with each connection is the test's affair. */
export async function openTarget(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  const port = await listen(server);
  return {
    port,
    connections: () => sockets.size,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Sends all, ends its side, and gives back what came until the other side ended too. */
export async function exchange(port: number, data: Buffer | string): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.end(data);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What was thrown. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
