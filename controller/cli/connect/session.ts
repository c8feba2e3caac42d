import type { Bastion } from '../../api/bastion.ts';
import { type PortTunnel, SessionError, type SessionOrigin, type TunnelChange } from '../../api/session.ts';
import { sleep } from '../../machinery/clock.ts';
import { clientEnv } from '../client-line.ts';
import type { Connection } from '../connection.ts';
import { EXIT_INTERRUPTED } from '../context.ts';
import { CliError } from '../failure.ts';
import type { CliIo } from '../io.ts';
import { command, type LifeEnd, type Naming } from './life.ts';
import type { Report } from './report.ts';
import type { ChosenPort } from './targets.ts';
import { type WatchedLife, watchLife } from './watch.ts';

/** The Bastion ended while somebody was connected. */
const EXIT_OVER = 3;
/** Who does not end when asked to is left behind after this. */
const CHILD_GRACE_MS = 5_000;

export interface Stay {
  readonly bastion: Bastion;
  readonly naming: Naming;
  /** None means a shell. */
  readonly ports: readonly ChosenPort[];
  /** Runs with the ports open, and what is open goes when it ends. */
  readonly exec: readonly string[] | undefined;
  readonly report: Report;
}

interface Open extends Stay {
  readonly io: CliIo;
  readonly connection: Connection;
  readonly life: WatchedLife;
  readonly origin: SessionOrigin;
}

/** Connected until the person leaves, the command ends or the Bastion does. Leaves nothing open. @returns the exit code */
export async function stayConnected(io: CliIo, connection: Connection, stay: Stay): Promise<number> {
  const { bastion, naming, report, ports, exec } = stay;
  const life = watchLife(bastion, { api: connection.api, clock: io.clock, naming, report });
  const open: Open = { ...stay, io, connection, life, origin: originOf(connection, life, naming) };
  try {
    if (ports.length > 0) return await throughPorts(open);
    return exec ? await runElsewhere(open, exec) : await throughShell(open);
  } finally {
    life.stop();
  }
}

/** Where sessions go, asked anew for each: another task may have taken the place of the first. */
function originOf(connection: Connection, life: WatchedLife, naming: Naming): SessionOrigin {
  return async () => {
    const bastion = life.current();
    const target = bastion?.status?.sessionTarget;
    if (!bastion || target === undefined) {
      const message = `bastion "${naming.name}" has no running task now`;
      throw new SessionError(
        'TargetNotConnected',
        message,
        `see why: ${command('describe bastion', naming)}`,
      );
    }
    const reason = bastion.spec.reason ?? `bastionctl connect ${naming.name}`;
    return { region: await connection.regionOf(bastion), target, reason };
  };
}

async function throughPorts(open: Open): Promise<number> {
  const tunnels: PortTunnel[] = [];
  try {
    // One after another: AWS takes few sessions a second, and lines that come in order are easier to read.
    for (const port of open.ports) tunnels.push(await openPort(open, port));
    return open.exec ? await runChild(open, open.exec, tunnels) : await untilOver(open, tunnels);
  } catch (error) {
    if (open.io.signal.aborted && !(error instanceof CliError)) return EXIT_INTERRUPTED;
    throw error;
  } finally {
    await closeAll(open, tunnels);
  }
}

async function openPort(open: Open, { target, localPort }: ChosenPort): Promise<PortTunnel> {
  const { connection, report, io, origin } = open;
  const { host, port } = target;
  const onChange = (change: TunnelChange) => report(eventOf(target.name, change));
  const tunnel = await connection.tunnels.openPort({ origin, host, port, localPort, onChange }, io.signal);
  const expiresAt = open.life.current()?.status?.expiresAt;
  report({ type: 'opened', target, localPort: tunnel.localPort, expiresAt });
  return tunnel;
}

function eventOf(target: string, change: TunnelChange): Parameters<Report>[0] {
  switch (change.kind) {
    case 'dropped':
      return { type: 'dropped', target, why: change.why, retryInMs: change.retryInMs };
    case 'rested':
      return { type: 'rested', target, why: change.why };
    case 'reconnected':
      return { type: 'reconnected', target };
    case 'refused':
      return { type: 'refused', target, error: change.error };
  }
}

async function untilOver(open: Open, tunnels: readonly PortTunnel[]): Promise<number> {
  const { io, life } = open;
  // A tunnel that was closed has nothing to say: only one that cannot go on ends the others.
  const broken = Promise.all(tunnels.map(({ ended }) => ended)).then(() => new Promise<never>(() => {}));
  const left = aborted(io.signal).then(() => undefined);
  const end = await Promise.race([life.over, left, broken]);
  if (!end) return EXIT_INTERRUPTED;
  tellEnd(open, end);
  return EXIT_OVER;
}

async function runChild(
  open: Open,
  words: readonly string[],
  tunnels: readonly PortTunnel[],
): Promise<number> {
  const { io, life, ports } = open;
  const openPorts = ports.map(({ target }, index) => ({ target, localPort: tunnels[index]?.localPort ?? 0 }));
  for (const [index, { ended }] of tunnels.entries()) {
    ended.catch((error: unknown) => tellBroken(open, ports[index]?.target.name ?? '', error));
  }
  const child = io.launch(words, clientEnv(openPorts));
  const letGo = io.holdSignals((name) => {
    // At a terminal Ctrl-C is the command's own: psql cancels a query with it.
    if (name === 'SIGTERM' || !io.hasTerminal) child.kill(name);
  });
  try {
    const code = child.ended.catch((error: unknown) => {
      throw notStarted(words, error);
    });
    const first = await Promise.race([code, life.over]);
    if (typeof first === 'number') return first;
    tellEnd(open, first);
    child.kill('SIGTERM');
    await Promise.race([code, sleep(io.clock, CHILD_GRACE_MS)]);
    return EXIT_OVER;
  } finally {
    letGo();
  }
}

/** In the Bastion itself. */
function runElsewhere(open: Open, words: readonly string[]): Promise<number> {
  return atTerminal(open, { kind: 'command', command: words });
}

async function throughShell(open: Open): Promise<number> {
  const { report, naming, life } = open;
  report({ type: 'shell', name: naming.name, expiresAt: life.current()?.status?.expiresAt });
  return atTerminal(open, { kind: 'shell' });
}

type Purpose = Parameters<Connection['tunnels']['openTerminal']>[0]['purpose'];

async function atTerminal(open: Open, purpose: Purpose): Promise<number> {
  const { io, connection, life, origin } = open;
  const stop = new AbortController();
  const letGo = io.holdSignals((name) => {
    // At a terminal Ctrl-C goes to the far end.
    if (name === 'SIGTERM' || !io.hasTerminal) stop.abort();
  });
  const terminal = connection.tunnels
    .openTerminal({ origin, purpose }, stop.signal)
    .catch((error: unknown) => {
      if (stop.signal.aborted) return EXIT_INTERRUPTED;
      throw error;
    });
  try {
    const first = await Promise.race([terminal, life.over]);
    if (typeof first === 'number') return stop.signal.aborted ? EXIT_INTERRUPTED : first;
    stop.abort();
    await terminal;
    tellEnd(open, first);
    return EXIT_OVER;
  } finally {
    letGo();
  }
}

function tellEnd({ report }: Open, { reason, message, hint }: LifeEnd): void {
  report({ type: 'ended', reason, message, hint });
}

function tellBroken({ report }: Open, target: string, error: unknown): void {
  const known =
    error instanceof SessionError
      ? error
      : new SessionError('Refused', error instanceof Error ? error.message : String(error), 'connect again');
  report({ type: 'refused', target, error: known });
}

/** What could not be ended is told, and keeps nothing else from being ended. */
async function closeAll({ report }: Open, tunnels: readonly PortTunnel[]): Promise<void> {
  const results = await Promise.allSettled(tunnels.map((tunnel) => tunnel.close()));
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    const { reason } = result;
    const hint = reason instanceof SessionError ? reason.hint : 'it ends by itself when nobody uses it';
    report({ type: 'warning', message: reason instanceof Error ? reason.message : String(reason), hint });
  }
}

function notStarted(words: readonly string[], error: unknown): unknown {
  const [program = ''] = words;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') {
    return new CliError(
      `cannot run ${program}: it is not in PATH`,
      'install it, or name another command after --exec',
    );
  }
  return code === 'EACCES' ? new CliError(`cannot run ${program}: it may not be run by you`) : error;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
