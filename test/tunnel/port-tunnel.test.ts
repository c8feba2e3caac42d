import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SessionError } from '../../controller/api/session.ts';
import { type Bed, DOUBLE, exchange, failureOf, listen, openBed, openTarget, PATIENCE } from './bed.ts';

const beds: Bed[] = [];
const targets: { close(): void }[] = [];

async function bedWith(mode?: string): Promise<Bed> {
  const bed = await openBed(mode === undefined ? {} : { command: DOUBLE, env: { PLUGIN_DOUBLE: mode } });
  beds.push(bed);
  return bed;
}

/** Sends back what it gets. */
async function echoes() {
  const target = await openTarget((socket) => socket.pipe(socket));
  targets.push(target);
  return target;
}

afterEach(async () => {
  await Promise.all(beds.splice(0).map((bed) => bed.close()));
  for (const target of targets.splice(0)) target.close();
});

const hash = (data: Buffer) => createHash('sha256').update(data).digest('hex');
const kindsOf = ({ changes }: Bed) => changes.map(({ kind }) => kind);

describe('a tunnel to a port', () => {
  it('carries much data both ways, unchanged', async () => {
    const [bed, target] = [await bedWith(), await echoes()];
    const { localPort } = await bed.openPort(target.port);
    const sent = randomBytes(5_000_000);
    expect(hash(await exchange(localPort, sent))).toBe(hash(sent));
  });

  it('carries several connections at once, and makes none of its own', async () => {
    const [bed, target] = [await bedWith(), await echoes()];
    const { localPort } = await bed.openPort(target.port);
    expect(target.connections()).toBe(0);
    const texts = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(100_000));
    const answers = await Promise.all(texts.map((text) => exchange(localPort, text)));
    expect(answers.map(String)).toEqual(texts);
    await expect.poll(target.connections, PATIENCE).toBe(0);
  });

  it('lets the far side answer after the client has ended its own', async () => {
    const bed = await bedWith();
    const target = await openTarget((socket) => {
      socket.resume().once('end', () => socket.end('the answer'));
    });
    targets.push(target);
    const { localPort } = await bed.openPort(target.port);
    expect(String(await exchange(localPort, 'the question'))).toBe('the answer');
  });

  it('asks for a session of the person and the target, and leaves the local port to the plugin', async () => {
    const bed = await bedWith();
    await bed.openPort(5432);
    expect(bed.started).toEqual([
      {
        region: 'eu-west-1',
        target: bed.target,
        reason: 'a test',
        purpose: { kind: 'port', host: '127.0.0.1', port: 5432, localPort: 0 },
      },
    ]);
  });

  it('keeps the port while the session is replaced, and lets through who connects meanwhile', async () => {
    const [bed, target] = [await bedWith(), await echoes()];
    const { localPort } = await bed.openPort(target.port);
    bed.endSession();
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['dropped']);
    expect(bed.changes).toEqual([
      {
        kind: 'dropped',
        why: expect.stringMatching(/^Exiting session with sessionId: s-\d+-1\.$/),
        retryInMs: 1_000,
      },
    ]);
    const answer = exchange(localPort, 'in between');
    await bed.clock.advance(1_000);
    expect(String(await answer)).toBe('in between');
    expect(kindsOf(bed)).toEqual(['dropped', 'reconnected']);
    expect(bed.started).toHaveLength(2);
    expect(bed.terminated).toHaveLength(1);
    expect(bed.running()).toHaveLength(1);
  });

  it('closes who waited too long for a session', async () => {
    const bed = await bedWith();
    const { localPort } = await bed.openPort(5432);
    bed.failures.push(...Array.from({ length: 9 }, () => notConnected()));
    for (const pid of bed.running()) process.kill(pid, 'SIGKILL');
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['dropped']);
    const client = connect(localPort, '127.0.0.1');
    await once(client, 'connect');
    const closed = once(client.resume(), 'close');
    await bed.clock.advance(31_000);
    await closed;
  });

  it('waits longer from try to try, and no longer than half a minute', async () => {
    const bed = await bedWith();
    await bed.openPort(5432);
    bed.failures.push(...Array.from({ length: 7 }, () => notConnected()));
    for (const pid of bed.running()) process.kill(pid, 'SIGKILL');
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['dropped']);
    await bed.clock.advance(120_000);
    const waits = bed.changes.map((change) => (change.kind === 'dropped' ? change.retryInMs : change.kind));
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect(bed.changes.at(-1)).toMatchObject({ why: 'the agent is not connected' });
    await bed.clock.advance(1_000);
    await expect.poll(() => kindsOf(bed).at(-1), PATIENCE).toBe('reconnected');
  });

  it('starts anew with short waits after a session that lasted', async () => {
    const [bed, target] = [await bedWith(), await echoes()];
    const { localPort } = await bed.openPort(target.port);
    for (const expected of [1, 2]) {
      await bed.clock.advance(60_000);
      await exchange(localPort, 'somebody is there');
      for (const pid of bed.running()) process.kill(pid, 'SIGKILL');
      await expect.poll(() => bed.changes.length, PATIENCE).toBe(expected * 2 - 1);
      expect(bed.changes.at(-1)).toMatchObject({ kind: 'dropped', retryInMs: 1_000 });
      await bed.clock.advance(1_000);
      await expect.poll(() => kindsOf(bed).at(-1), PATIENCE).toBe('reconnected');
    }
  });

  it('opens no session for nobody in the place of one that ended unused, and one for who connects next', async () => {
    const [bed, target] = [await bedWith(), await echoes()];
    const { localPort } = await bed.openPort(target.port);
    await bed.clock.advance(20 * 60_000);
    bed.endSession();
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['rested']);
    await bed.clock.advance(3_600_000);
    expect(bed.started).toHaveLength(1);
    expect(bed.running()).toHaveLength(0);
    expect(String(await exchange(localPort, 'here I am'))).toBe('here I am');
    expect(kindsOf(bed)).toEqual(['rested', 'reconnected']);
  });

  it('tries again for who woke it, when the session does not come about at once', async () => {
    const [bed, target] = [await bedWith(), await echoes()];
    const { localPort } = await bed.openPort(target.port);
    await bed.clock.advance(20 * 60_000);
    bed.endSession();
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['rested']);
    bed.failures.push(notConnected());
    const answer = exchange(localPort, 'patience');
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['rested', 'dropped']);
    await bed.clock.advance(1_000);
    expect(String(await answer)).toBe('patience');
  });

  it('can be closed while it rests', async () => {
    const bed = await bedWith();
    const tunnel = await bed.openPort(5432);
    await bed.clock.advance(20 * 60_000);
    bed.endSession();
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['rested']);
    await tunnel.close();
    await tunnel.ended;
    await expectFree(tunnel.localPort);
  });

  it('gives up where trying again does not help', async () => {
    const bed = await bedWith();
    const { ended, localPort } = await bed.openPort(5432);
    bed.failures.push(new SessionError('CredentialsExpired', 'the credentials have expired', 'log in'));
    for (const pid of bed.running()) process.kill(pid, 'SIGKILL');
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['dropped']);
    await bed.clock.advance(1_000);
    expect(await failureOf(ended)).toMatchObject({ failure: 'CredentialsExpired', hint: 'log in' });
    await expectFree(localPort);
  });

  it('serves several targets at once', async () => {
    const bed = await bedWith();
    const answering = await Promise.all(
      ['one', 'two', 'three'].map((name) => openTarget((socket) => socket.end(name))),
    );
    targets.push(...answering);
    const tunnels = await Promise.all(answering.map(({ port }) => bed.openPort(port)));
    const answers = await Promise.all(tunnels.map(({ localPort }) => exchange(localPort, '')));
    expect(answers.map(String)).toEqual(['one', 'two', 'three']);
  });

  it('leaves nothing behind when it is closed', async () => {
    const [bed, target] = [await bedWith(), await echoes()];
    const tunnel = await bed.openPort(target.port);
    const client = connect(tunnel.localPort, '127.0.0.1');
    client.write('hello');
    await once(client, 'data');
    const closed = once(
      client.on('error', () => undefined),
      'close',
    );
    await Promise.all([tunnel.close(), tunnel.close()]);
    await tunnel.ended;
    await closed;
    expect(bed.running()).toEqual([]);
    expect(bed.terminated).toHaveLength(1);
    await expectFree(tunnel.localPort);
    await expect.poll(target.connections, PATIENCE).toBe(0);
    expect(bed.changes).toEqual([]);
  });

  it('ends when whoever opened it gives up, before and after it is open', async () => {
    const bed = await bedWith('silent');
    const giveUp = new AbortController();
    const opening = failureOf(bed.openPort(5432, 0, giveUp.signal));
    await expect.poll(() => bed.notes().length, PATIENCE).toBe(1);
    giveUp.abort(new Error('enough'));
    expect(await opening).toMatchObject({ message: 'enough' });
    expect(bed.running()).toEqual([]);
    expect(bed.terminated).toHaveLength(1);

    const later = await bedWith();
    const end = new AbortController();
    const tunnel = await later.openPort(5432, 0, end.signal);
    end.abort();
    await tunnel.ended;
    expect(later.running()).toEqual([]);
  });

  it('kills a plugin that does not end', async () => {
    const bed = await bedWith('stubborn');
    const tunnel = await bed.openPort(5432);
    const closing = tunnel.close();
    await expect.poll(() => bed.notes().at(-1), PATIENCE).toEqual({ signal: 'SIGINT' });
    expect(bed.running()).toHaveLength(1);
    await bed.clock.advance(5_000);
    await closing;
    expect(bed.running()).toEqual([]);
    expect(bed.terminated).toHaveLength(1);
  });

  it('tells when its session could not be ended', async () => {
    const bed = await bedWith();
    const tunnel = await bed.openPort(5432);
    bed.sessions.terminate = async () => {
      throw new SessionError('AccessDenied', 'may not end it', 'ask');
    };
    expect(await failureOf(tunnel.close())).toMatchObject({ failure: 'AccessDenied' });
    expect(bed.running()).toEqual([]);
  });
});

describe('what can go wrong with it', () => {
  it('says which port is taken, before a session is opened', async () => {
    const bed = await bedWith();
    const server = createServer();
    targets.push(server);
    const port = await listen(server);
    expect(await failureOf(bed.openPort(5432, port))).toMatchObject({
      failure: 'PortTaken',
      message: `port ${port} of this machine is taken by another program`,
      hint: expect.stringContaining('--local-port'),
    });
    expect(bed.started).toEqual([]);
  });

  it('says, once for many, that the database turns connections away', async () => {
    const bed = await bedWith();
    const closed = await echoes();
    closed.close();
    const { localPort } = await bed.openPort(closed.port);
    await exchange(localPort, 'x');
    await exchange(localPort, 'x');
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['refused']);
    const [change] = bed.changes;
    expect(change).toMatchObject({
      error: {
        failure: 'TargetRefused',
        message: `the bastion cannot connect to 127.0.0.1:${closed.port}, or is turned away there`,
        hint: expect.stringContaining('doctor'),
      },
    });
    await bed.clock.advance(30_000);
    await exchange(localPort, 'x');
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['refused', 'refused']);
  });

  it("hears it from the plugin's words too", async () => {
    const bed = await bedWith('refuses');
    const { localPort } = await bed.openPort(5432);
    await exchange(localPort, '');
    await expect.poll(() => kindsOf(bed), PATIENCE).toEqual(['refused']);
  });

  it('tells what the plugin said before it failed, without its secret', async () => {
    const bed = await bedWith('crash=dial tcp');
    const error = await failureOf(bed.openPort(5432));
    expect(error).toMatchObject({
      failure: 'PluginFailed',
      message: expect.stringMatching(
        /ended before it opened a port: Cannot perform start session: dial tcp \*\*\*$/,
      ),
      hint: expect.stringContaining('log'),
    });
    expect(JSON.stringify([error, String(error)])).not.toContain(bed.token);
    expect(bed.terminated).toHaveLength(1);
  });

  it('does not wait for ever for a session that does not come about', async () => {
    const bed = await bedWith('silent');
    const opening = failureOf(bed.openPort(5432));
    await expect.poll(() => bed.notes().length, PATIENCE).toBe(1);
    await bed.clock.advance(30_000);
    expect(await opening).toMatchObject({
      failure: 'Unreachable',
      message: expect.stringContaining(`no session with ${bed.target} within 30s`),
      hint: expect.stringContaining('443'),
    });
    expect(bed.running()).toEqual([]);
  });

  it('replaces a plugin that dies with a connection', async () => {
    const bed = await bedWith('dies');
    const { localPort } = await bed.openPort(5432);
    await exchange(localPort, '').catch(() => undefined);
    await expect.poll(() => kindsOf(bed).includes('dropped'), PATIENCE).toBe(true);
    await bed.clock.advance(1_000);
    await expect.poll(() => kindsOf(bed).at(-1), PATIENCE).toBe('reconnected');
  });
});

const notConnected = () => new SessionError('TargetNotConnected', 'the agent is not connected', 'wait');

async function expectFree(port: number): Promise<void> {
  const server = createServer();
  await listen(server, port);
  await new Promise((resolve) => server.close(resolve));
}
