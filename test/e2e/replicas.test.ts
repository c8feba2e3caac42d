import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { manifestOf } from '../reconcile/harness.ts';
import { build } from './build.ts';
import { type Controller, openReplicaBed, type ReplicaBed } from './replica-bed.ts';

const LEASE_MS = 4_000;
const PATIENCE = { timeout: 25_000, interval: 50 };

let bed: ReplicaBed;
beforeAll(build, 120_000);
beforeEach(async () => {
  bed = await openReplicaBed();
});
afterEach(() => bed.close());

/** The first leads when this returns, and all the others have seen it. */
async function start(...names: string[]): Promise<Controller[]> {
  const started: Controller[] = [];
  for (const name of names) {
    started.push(await bed.start(name, '--lease', `${LEASE_MS}ms`));
    if (started.length === 1) await leads(started);
  }
  await Promise.all(started.slice(1).map((one) => saying(one, 'standing by')));
  return started;
}

const saying = (one: Controller, message: string) =>
  expect.poll(() => one.lines().map((line) => line.message), PATIENCE).toContain(message);

/** Whether this one was the last to say that it leads, and did not take it back. */
function isLeading({ lines }: Controller): boolean {
  const said = lines().filter(
    ({ message }) => message === 'leading' || message.startsWith('the lease has ended'),
  );
  return said.at(-1)?.message === 'leading';
}

async function leads(among: readonly Controller[]): Promise<Controller> {
  await expect.poll(() => among.filter(isLeading).length, PATIENCE).toBe(1);
  const leader = among.find(isLeading);
  if (!leader) throw new Error('nobody leads');
  return leader;
}

const others = (all: readonly Controller[], one: Controller) => all.filter((other) => other !== one);

/** @returns the one that took over */
async function takesOver(among: readonly Controller[], after: string, sinceMs: number): Promise<Controller> {
  const leader = await leads(among);
  console.info(
    `take-over after ${after}: ${((performance.now() - sinceMs) / 1_000).toFixed(1)} s (lease 4 s)`,
  );
  return leader;
}

/** In the middle of things: endpoints are on their way, the task is not made yet. */
async function isProvisioning(): Promise<void> {
  await bed.api.bastions.create(manifestOf('orders'));
  await expect.poll(() => bed.simulator.ec2.state.endpoints.size, PATIENCE).toBeGreaterThan(0);
}

async function isReadyAndSingle(): Promise<void> {
  const phase = async () => (await bed.api.bastions.get('default', 'orders')).status?.phase;
  await expect.poll(phase, PATIENCE).toBe('Ready');
  const keys = await bed.keys();
  expect(keys).toEqual([...new Set(keys)]);
  expect(keys.filter((key) => key.startsWith('vpc-endpoint/'))).toHaveLength(5);
  expect(keys.filter((key) => key.startsWith('task/'))).toHaveLength(1);
}

/** By the table, the last word in this. */
async function holder(): Promise<string> {
  return (await bed.store.readLease('controller'))?.holder ?? '';
}

/** The process that keeps the replicas, on a data folder and simulated AWS of its own. */
async function startKeeper(): Promise<Controller> {
  const keeper = await bed.startKeeper('--replicas', '2', '--lease', '4s');
  await leadsBy(keeper, 1);
  await saying(keeper, 'standing by');
  return keeper;
}

const linesBy = ({ lines }: Controller, message: string) =>
  lines().filter((line) => line.message === message);

/** @returns the name of the replica that began the tenure of this epoch */
async function leadsBy(keeper: Controller, epoch: number): Promise<string> {
  const find = () => linesBy(keeper, 'leading').find((line) => line['epoch'] === epoch);
  await expect.poll(find, PATIENCE).toBeDefined();
  return String(find()?.['replica']);
}

/** Command lines by process id. */
async function childrenOf({ child }: Controller): Promise<Map<number, string>> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid,ppid,args']);
  const rows = stdout.split('\n').map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []);
  const own = rows.filter(([, , parent]) => Number(parent) === child.pid);
  return new Map(own.map(([, pid, , args = '']) => [Number(pid), args]));
}

async function pidOf(keeper: Controller, replica: string): Promise<number> {
  const [found] = [...(await childrenOf(keeper))].filter(([, args]) =>
    args.includes(`--replica ${replica} `),
  );
  if (!found) throw new Error(`${replica} does not run`);
  return found[0];
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('the replicas of one process', () => {
  it('lead in turn when one is killed, and the killed one is started again', async () => {
    const keeper = await startKeeper();
    const first = await leadsBy(keeper, 1);
    process.kill(await pidOf(keeper, first), 'SIGKILL');
    expect(await leadsBy(keeper, 2)).not.toBe(first);
    await saying(keeper, 'a replica ended: starting it again');
    const isBack = () => linesBy(keeper, 'standing by').some((line) => line['replica'] === first);
    await expect.poll(isBack, PATIENCE).toBe(true);
    const pids = [...(await childrenOf(keeper)).keys()];
    keeper.child.kill('SIGTERM');
    await keeper.ended;
    expect(keeper.child.exitCode).toBe(0);
    expect(linesBy(keeper, 'stopped')).toHaveLength(3);
    expect([pids.length, pids.filter(isAlive)]).toEqual([2, []]);
  }, 60_000);

  it('end when the process is killed that keeps them', async () => {
    const keeper = await startKeeper();
    const pids = [...(await childrenOf(keeper)).keys()];
    keeper.child.kill('SIGKILL');
    await expect.poll(() => pids.filter(isAlive), PATIENCE).toEqual([]);
  }, 60_000);
});

describe('controllers in processes of their own, on one table', () => {
  it('make what was begun ready, and nothing twice, when the leader is killed in the middle', async () => {
    const [a, b] = await start('a', 'b');
    await isProvisioning();
    a?.child.kill('SIGKILL');
    const taken = await takesOver(b ? [b] : [], 'kill -9', performance.now());
    expect(taken.lines().find(({ message }) => message === 'leading')).toMatchObject({ epoch: 2 });
    await isReadyAndSingle();
  }, 60_000);

  it('have one leader when a stopped one goes on after its lease, which asks nothing of AWS any more', async () => {
    const all = await start('a', 'b');
    const stopped = await leads(all);
    await isProvisioning();
    stopped.child.kill('SIGSTOP');
    const sinceMs = performance.now();
    const taken = await takesOver(others(all, stopped), 'SIGSTOP', sinceMs);
    // What was on the wire when it stopped has long been answered.
    const calls = stopped.calls.length;
    expect(calls).toBeGreaterThan(0);
    stopped.child.kill('SIGCONT');
    await saying(stopped, 'the lease has ended: standing by');
    await isReadyAndSingle();
    expect(stopped.calls.slice(calls)).toEqual([]);
    expect([isLeading(stopped), isLeading(taken)]).toEqual([false, true]);
    expect(await holder()).toContain(`-${taken.child.pid}/`);
  }, 60_000);

  it('hand over at once when the leader is told to end', async () => {
    const all = await start('a', 'b');
    const leader = await leads(all);
    await isProvisioning();
    const sinceMs = performance.now();
    leader.child.kill('SIGTERM');
    const taken = await takesOver(others(all, leader), 'SIGTERM', sinceMs);
    expect(taken.lines().find(({ message }) => message === 'taking over')).toMatchObject({ epoch: 2 });
    expect(performance.now() - sinceMs).toBeLessThan(LEASE_MS);
    await leader.ended;
    expect(leader.child.exitCode).toBe(0);
    await isReadyAndSingle();
  }, 60_000);

  it('go on until the last when three lose their leaders one after the other', async () => {
    let alive = await start('a', 'b', 'c');
    await isProvisioning();
    for (const which of ['first', 'second']) {
      const leader = await leads(alive);
      leader.child.kill('SIGKILL');
      alive = others(alive, leader);
      const taken = await takesOver(alive, `kill -9 of the ${which} of three`, performance.now());
      expect(await holder()).toContain(`-${taken.child.pid}/`);
    }
    await isReadyAndSingle();
    expect(await bed.store.readLease('controller')).toMatchObject({ epoch: 3 });
  }, 60_000);

  it('are kept by a process that serves the API of their table, and by which changes reach them', async () => {
    const keeper = await bed.start('keeper', '--replicas', '2', '--listen', '127.0.0.1:0');
    await saying(keeper, 'serving the API');
    const url = keeper.lines().find(({ message }) => message === 'serving the API')?.['url'];
    const path = '/apis/bastion-operator.dev/v1alpha1/namespaces/default/bastions';
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(manifestOf('orders'));
    const { status } = await fetch(`${url}${path}`, { method: 'POST', headers, body });
    expect(status).toBe(201);
    await isReadyAndSingle();
    expect(keeper.lines().filter(({ message }) => message === 'serving the API')).toHaveLength(1);
    keeper.child.kill('SIGTERM');
    await keeper.ended;
    expect(keeper.child.exitCode).toBe(0);
  }, 60_000);
});
