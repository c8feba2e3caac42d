import { ANNOTATION, type Bastion, type BastionStatus } from '../../controller/api/bastion.ts';
import type { Doctor } from '../../controller/api/finding.ts';
import type { Tunnels } from '../../controller/api/session.ts';
import type { Backups } from '../../controller/cli/backups.ts';
import type {
  Connection,
  ConnectionOptions,
  IdleStore,
  PlanPreview,
  ServeOptions,
} from '../../controller/cli/connection.ts';
import type { Foundations } from '../../controller/cli/foundation.ts';
import type { CliIo, EndSignal, ProgramName } from '../../controller/cli/io.ts';
import { runCli } from '../../controller/cli/program.ts';
import { settle } from '../clock.ts';
import { createFixture, event, sample } from '../server/fixture.ts';

export { ANNOTATION, event, sample };

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly out: () => string;
  readonly err: () => string;
  /** Ctrl-C. */
  interrupt(): void;
  /** SIGTERM. */
  terminate(): void;
  readonly done: Promise<Run>;
}

const BARE_PLAN: PlanPreview = { regions: [] };

interface Terminal {
  readonly isTTY?: boolean;
  /** Ctrl-C reaches what runs there by itself. */
  readonly hasTerminal?: boolean;
  readonly noColor?: boolean;
  readonly stdin?: string;
  readonly program?: ProgramName;
  /** What the person types when asked. */
  readonly answers?: readonly string[];
}

function noTunnels(): Tunnels {
  const refuse = () => Promise.reject(new Error('this test opens no tunnel'));
  return { openPort: refuse, openStreams: refuse, openTerminal: refuse };
}

function noFoundations(): Foundations {
  const refuse = () => Promise.reject(new Error('this test has no account'));
  return { draw: refuse, open: refuse };
}

function noBackups(): Backups {
  const refuse = () => Promise.reject(new Error('this test has no store of its own'));
  return { take: refuse, restore: refuse, migrate: refuse };
}

/** A command line over a memory store, with files that exist only here. */
export function createCli(given: Partial<Pick<ReturnType<typeof createFixture>, 'api' | 'clock'>> = {}) {
  const { api, sourceApi, clock, store, interpose } = { ...createFixture(), ...given };
  const files = new Map<string, string>();
  const connections: ConnectionOptions[] = [];
  const previews: (readonly Bastion[] | undefined)[] = [];
  const world = {
    plan: BARE_PLAN,
    open: 0,
    refuse: undefined as Error | undefined,
    idle: undefined as IdleStore | undefined,
    /** Of kubectl's context. */
    namespace: undefined as string | undefined,
    server: 'http://127.0.0.1:8088',
    kubeconfigFiles: ['/home/alice/.kube/config'],
    served: [] as ServeOptions[],
    serving: 0,
    tunnels: noTunnels() as Tunnels,
    doctor: { examine: () => Promise.reject(new Error('this test has no doctor')) } as Doctor,
    foundations: noFoundations() as Foundations,
    /** Plays the programs that are run. */
    launch: (() => ({ ended: Promise.resolve(0), kill: () => undefined })) as CliIo['launch'],
  };

  function connect(options: ConnectionOptions): Promise<Connection> {
    if (world.refuse) return Promise.reject(world.refuse);
    connections.push(options);
    world.open++;
    return Promise.resolve({
      api,
      idle: world.idle,
      tunnels: world.tunnels,
      doctor: world.doctor,
      regionOf: async ({ spec }) => spec.region ?? 'ap-northeast-1',
      async preview(bastions) {
        previews.push(bastions);
        return world.plan;
      },
      async serve(options) {
        world.served.push(options);
        world.serving++;
        const close = async () => void world.serving--;
        return { url: `http://${options.address}:${options.port}`, close };
      },
      async close() {
        world.open--;
      },
    });
  }

  function start(line: string | readonly string[], terminal: Terminal = {}): Running {
    const {
      isTTY = false,
      hasTerminal = false,
      noColor = false,
      stdin = '',
      answers,
      program = 'bastionctl',
    } = terminal;
    const typed = [...(answers ?? [])];
    let out = '';
    let err = '';
    const stop = new AbortController();
    const holders: ((name: EndSignal) => void)[] = [];
    const holdSignals: CliIo['holdSignals'] = (listener) => {
      holders.push(listener);
      return () => void holders.splice(holders.indexOf(listener), 1);
    };
    const signal = (name: EndSignal) => {
      const holder = holders.at(-1);
      if (holder) holder(name);
      else stop.abort();
    };
    const io: CliIo = {
      stdout: {
        isTTY,
        columns: 120,
        write: (text) => {
          out += text;
        },
      },
      stderr: {
        isTTY,
        columns: 120,
        write: (text) => {
          err += text;
        },
      },
      stdin: async () => stdin,
      ask: answers && (async () => typed.shift() ?? ''),
      user: 'alice',
      async readFile(path) {
        const text = files.get(path);
        if (text !== undefined) return text;
        throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
      },
      async listFiles(path, { recursive }) {
        const inside = [...files.keys()].filter((file) => file.startsWith(`${path}/`)).sort();
        if (inside.length === 0) return undefined;
        return inside.filter((file) => recursive || !file.slice(path.length + 1).includes('/'));
      },
      namespaceOf: async () => world.namespace,
      findServer: async ({ server = world.server }) => new URL(server),
      kubeconfigFiles: world.kubeconfigFiles,
      async writeFile(path, text) {
        files.set(path, text);
      },
      async saveFile(path, text) {
        files.set(path, text);
      },
      foundations: world.foundations,
      backups: noBackups(),
      ...{ program, clock, connect, version: '1.2.3', signal: stop.signal, noColor },
      ...{ launch: (...words) => world.launch(...words), holdSignals, hasTerminal },
    };
    const argv = typeof line === 'string' ? line.split(' ').filter(Boolean) : line;
    const done = runCli(argv, io).then((code) => ({ code, out, err }));
    return {
      out: () => out,
      err: () => err,
      interrupt: () => signal('SIGINT'),
      terminate: () => signal('SIGTERM'),
      done,
    };
  }

  return {
    ...{ api, sourceApi, clock, store, interpose, files, connections, previews, world, start },
    run: (line: string | readonly string[], terminal?: Terminal) => start(line, terminal).done,
    /** Plays the controller. */
    async setStatus(status: BastionStatus, name = 'orders', namespace = 'default') {
      const bastion = await api.bastions.get(namespace, name);
      await api.bastions.updateStatus({ ...bastion, status });
      await settle();
    },
    /** Plays the end of a teardown. */
    async release(name = 'orders') {
      await api.bastions.patch('default', name, { metadata: { finalizers: null } });
      await settle();
    },
  };
}

/** A manifest as text, the way a person writes it. */
export function manifestText(name = 'orders', spec = 'ttl: 4h', metadata = ''): string {
  return `apiVersion: bastion-operator.dev/v1alpha1
kind: Bastion
metadata:
  name: ${name}
${metadata}spec:
  ${spec}
  network: { vpcId: vpc-0a1b2c3d4e5f60718, subnetIds: [subnet-0a1b2c3d4e5f60718] }
`;
}

export function readyStatus(fields: Partial<BastionStatus> = {}): BastionStatus {
  return {
    observedGeneration: 1,
    phase: 'Ready',
    activatedAt: '2026-11-23T09:00:00Z',
    expiresAt: '2026-11-23T13:00:00Z',
    sessionTarget: 'ecs:bastion-main_0123_0123-456',
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: 'open',
        observedGeneration: 1,
        lastTransitionTime: '2026-11-23T09:00:00Z',
      },
    ],
    ...fields,
  };
}
