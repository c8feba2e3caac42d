import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT } from '../e2e/build.ts';
import { CHANNELS, type Gate } from './gate.ts';
import { listProcesses, type ProcessLine, signal } from './processes.ts';

export interface ControllerOptions {
  readonly name: string;
  readonly flags: readonly string[];
  /** Where it serves its API, each time that it is started. */
  readonly port: number;
  readonly gate: Gate;
  /** For its log and the file that steps its clock. */
  readonly folder: string;
}

/** A process that can be struck: the controller that was started, or a replica that it keeps. */
export interface Member {
  readonly pid: number;
  readonly name: string;
  readonly isReplica: boolean;
}

/** Until one that was started works. */
const STARTUP_MS = 6_000;
const STOP_MS = 30_000;
const RESTARTS_MS = [500, 2_000, 5_000];

/** A controller that is started again whenever it ends, as a service manager would. */
export class Controller {
  readonly name: string;
  readonly url: string;
  /** The replica that said last that it leads; the controller's own name where it keeps none. */
  leader: string | undefined;
  leadsSince = 0;
  /** How often it ended although nobody struck it. */
  endings = 0;
  readonly #options: ControllerOptions;
  readonly #log: WriteStream;
  readonly #stopped = new Set<number>();
  #child: ChildProcess | undefined;
  #startedAt = 0;
  #isStruck = false;
  #isOver = false;
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.name = options.name;
    this.url = `http://127.0.0.1:${options.port}`;
    this.#log = createWriteStream(join(options.folder, `${options.name}.log`));
  }

  start(): void {
    this.#running = this.#keepRunning();
  }

  /** Itself, and the replicas that it keeps. */
  async members(processes?: readonly ProcessLine[]): Promise<Member[]> {
    const pid = this.#child?.pid;
    if (pid === undefined) return [];
    const replicas = (processes ?? (await listProcesses())).flatMap(({ pid: own, parent, command }) => {
      const [, replica] = /--replica (\S+)/.exec(command) ?? [];
      return parent === pid && replica !== undefined ? [{ pid: own, name: replica, isReplica: true }] : [];
    });
    return [{ pid, name: this.name, isReplica: false }, ...replicas];
  }

  strike({ pid, isReplica }: Member, name: 'SIGKILL' | 'SIGTERM'): void {
    if (!isReplica) this.#isStruck = true;
    this.release(pid);
    signal(pid, name);
  }

  hold(pid: number): void {
    this.#stopped.add(pid);
    signal(pid, 'SIGSTOP');
  }

  release(pid: number): void {
    if (this.#stopped.delete(pid)) signal(pid, 'SIGCONT');
  }

  get gate(): Gate {
    return this.#options.gate;
  }

  async stepClock(aheadMs: number): Promise<void> {
    if (aheadMs === 0) await rm(this.#clockFile, { force: true });
    else await writeFile(this.#clockFile, String(aheadMs));
  }

  /** As far as can be told from outside, one of its processes can do its work. */
  async isAble(now: number, processes: readonly ProcessLine[]): Promise<boolean> {
    if (!this.#child || now - this.#startedAt < STARTUP_MS || !this.#options.gate.isOpen()) return false;
    const members = await this.members(processes);
    const [first, ...replicas] = members;
    if (!first || this.#stopped.has(first.pid)) return false;
    return replicas.length === 0 || replicas.some(({ pid }) => !this.#stopped.has(pid));
  }

  async heal(): Promise<void> {
    for (const pid of [...this.#stopped]) this.release(pid);
    for (const channel of CHANNELS) this.gate.clear(channel);
    await this.stepClock(0);
  }

  /** In good order, as far as it can. */
  async end(): Promise<void> {
    this.#isOver = true;
    const child = this.#child;
    if (child) {
      child.kill('SIGTERM');
      await Promise.race([once(child, 'exit'), pause(STOP_MS, undefined, { ref: false })]);
    }
    await this.kill();
    this.#log.end();
  }

  /** At once, whatever state they are in. */
  async kill(): Promise<void> {
    this.#isOver = true;
    const members = await this.members();
    for (const pid of this.#stopped) signal(pid, 'SIGKILL');
    for (const { pid } of members) signal(pid, 'SIGKILL');
    this.#child?.kill('SIGKILL');
    await this.#running;
  }

  get #clockFile(): string {
    return join(this.#options.folder, `${this.name}.clock`);
  }

  async #keepRunning(): Promise<void> {
    while (!this.#isOver) {
      const startedAt = Date.now();
      await this.#runOnce();
      if (this.#isOver) return;
      if (!this.#isStruck) this.endings++;
      this.#isStruck = false;
      this.#failures = Date.now() - startedAt > STARTUP_MS ? 0 : this.#failures + 1;
      await pause(RESTARTS_MS[Math.min(this.#failures, RESTARTS_MS.length - 1)] ?? 0);
    }
  }

  async #runOnce(): Promise<void> {
    const { folder, port, flags, gate } = this.#options;
    const args = [join(ROOT, 'dist/main.js'), ...flags, '--aws', gate.url, '--listen', `127.0.0.1:${port}`];
    const env = {
      ...{ PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, AWS_EC2_METADATA_DISABLED: 'true' },
      NODE_OPTIONS: `--import=${new URL('clock-step.mjs', import.meta.url).href}`,
      CHAOS_CLOCK_FILE: this.#clockFile,
    };
    const child = spawn(process.execPath, args, { env, cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    this.#startedAt = Date.now();
    this.#log.write(`--- started, process ${child.pid}\n`);
    this.#follow(child);
    const [code, signalName] = await once(child, 'close');
    this.#child = undefined;
    this.#log.write(`--- ended: ${code ?? signalName}\n`);
  }

  #follow(child: ChildProcess): void {
    let rest = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#log.write(chunk);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!line.includes('"message":"leading"')) continue;
        this.leader = /"replica":"([^"]+)"/.exec(line)?.[1] ?? this.name;
        this.leadsSince = Date.now();
      }
    });
  }
}
