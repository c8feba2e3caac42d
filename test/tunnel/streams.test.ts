import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type Bed, DOUBLE, failureOf, openBed, PATIENCE, processesWith } from './bed.ts';

const beds: Bed[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  await Promise.all(beds.splice(0).map((bed) => bed.close()));
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function open(command?: string, mode?: string) {
  const bed = await openBed(mode === undefined ? {} : { command: DOUBLE, env: { PLUGIN_DOUBLE: mode } });
  beds.push(bed);
  const purpose =
    command === undefined ? ({ kind: 'shell' } as const) : { kind: 'command' as const, command: [command] };
  const giveUp = new AbortController();
  const session = await bed.tunnels.openStreams({ origin: bed.origin, purpose }, giveUp.signal);
  return { bed, session, giveUp };
}

/** In a process group of its own, as a shell starts it at a terminal. */
function hold(...words: string[]) {
  const holder = fileURLToPath(new URL('./holder.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', holder, ...words], { detached: true });
  children.push(child);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said.out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said.err += chunk;
  });
  const told = (): Record<string, unknown>[] =>
    said.err
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  return { child, pid: child.pid ?? 0, output: () => said.out, told };
}

/** The process group, whose members the terminal signals together. */
function groupOf(pid = 0): number {
  const [, , group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(group);
}

describe('the streams of a session', () => {
  it('give the output of a command, and nothing that the plugin adds', async () => {
    const { bed, session } = await open('echo hello; echo trouble >&2');
    const output = await text(session.stdout);
    expect(output.split('\n').sort()).toEqual(['', 'hello', 'trouble']);
    expect(await session.ended).toBe(0);
    expect(bed.terminated).toHaveLength(1);
    expect(bed.running()).toEqual([]);
  });

  it('let a command say all it has to say after its input has ended', async () => {
    const { session } = await open('cat; echo done');
    session.stdin.end('one\ntwo\n');
    expect(await text(session.stdout)).toBe('one\ntwo\ndone\n');
  });

  it('carry a shell, which says that it is simulated', async () => {
    const { session } = await open();
    session.stdin.end('echo $((6 * 7))\n');
    expect(await text(session.stdout)).toBe(
      'This shell is simulated: it runs on this machine, as you, and not in a bastion. There is no prompt.\n42\n',
    );
  });

  it('keep what only looks like the words of the plugin', async () => {
    const { session } = await open('echo', 'stdout=\n\nExiting session with sessionId: another.');
    expect(await text(session.stdout)).toBe('\n\nExiting session with sessionId: another.');
  });

  it('end with the session, with close, and when whoever opened them gives up', async () => {
    const endings = [
      ({ bed }: Awaited<ReturnType<typeof open>>) => bed.endSession(),
      ({ session }: Awaited<ReturnType<typeof open>>) => session.close(),
      ({ giveUp }: Awaited<ReturnType<typeof open>>) => giveUp.abort(),
    ];
    for (const end of endings) {
      const opened = await open('echo up; cat');
      await new Promise((resolve) => opened.session.stdout.once('data', resolve));
      await end(opened);
      opened.session.stdout.resume();
      await opened.session.ended;
      expect(opened.bed.running()).toEqual([]);
      expect(opened.bed.terminated).toHaveLength(1);
    }
  });

  it('do not come about without the plugin', async () => {
    const bed = await openBed({ command: ['/nowhere/session-manager-plugin'] });
    beds.push(bed);
    const request = { origin: bed.origin, purpose: { kind: 'shell' } as const };
    const error = await failureOf(bed.tunnels.openStreams(request, new AbortController().signal));
    expect(error).toMatchObject({ failure: 'PluginMissing' });
    expect(bed.started).toEqual([]);
  });
});

describe('a session at the terminal', () => {
  it('gives Ctrl-C to the far end, and lives on', async () => {
    const { child, pid, output, told } = hold('terminal', 'trap "echo caught; exit" INT; echo ready; cat');
    await expect.poll(output, PATIENCE).toContain('ready');
    process.kill(-pid, 'SIGINT');
    await expect.poll(output, PATIENCE).toContain('caught');
    await expect.poll(told, PATIENCE).toContainEqual({ code: 0, terminated: 1 });
    expect(output()).toContain('Starting session with SessionId');
    await expect.poll(() => child.exitCode, PATIENCE).toBe(0);
  });

  it('keeps the stand-in shell, as a shell does, and ends what runs in it', async () => {
    const { child, pid, output } = hold('terminal');
    await expect.poll(output, PATIENCE).toContain('no prompt');
    const command = `sleep 6${process.pid}`;
    child.stdin.write(`${command}\n`);
    await expect.poll(() => processesWith(command).length, PATIENCE).toBe(1);
    process.kill(-pid, 'SIGINT');
    child.stdin.write('echo still here\n');
    await expect.poll(output, PATIENCE).toContain('still here');
    expect(processesWith(command)).toEqual([]);
  });

  it('is ended from its far end when whoever opened it gives up, so that the terminal is left in order', async () => {
    const { pid, output, told } = hold('terminal', 'echo ready; cat');
    await expect.poll(output, PATIENCE).toContain('ready');
    process.kill(pid, 'SIGUSR2');
    await expect.poll(output, PATIENCE).toContain('Exiting session with sessionId');
    await expect.poll(() => told().at(-1), PATIENCE).toMatchObject({ code: 0 });
  });
});

describe('a process that holds a port', () => {
  it('keeps its plugin out of the reach of Ctrl-C, to end it in good order itself', async () => {
    const { pid, told } = hold('port', '5432');
    await expect.poll(() => told().length, PATIENCE).toBe(1);
    const [plugin] = processesWith(String(told()[0]?.['target']));
    expect(groupOf(plugin)).toBe(plugin);
    expect(groupOf(pid)).toBe(pid);
  });

  it('leaves no plugin and no guard behind when this process is killed', async () => {
    const { pid, told } = hold('port', '5432');
    await expect.poll(() => told().length, PATIENCE).toBe(1);
    const target = String(told()[0]?.['target']);
    const [plugin] = processesWith(target);
    process.kill(-pid, 'SIGKILL');
    await expect.poll(() => processesWith(target), PATIENCE).toEqual([]);
    await expect.poll(() => processesWith(`bastionctl-guard ${plugin}`), PATIENCE).toEqual([]);
  });
});
