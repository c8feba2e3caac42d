import { describe, expect, it } from 'vitest';
import { SessionError } from '../../../controller/api/session.ts';
import type { EndSignal } from '../../../controller/cli/io.ts';
import { settle } from '../../clock.ts';
import { ANNOTATION, createCli, manifestText, readyStatus, sample } from '../fixture.ts';
import { fakeTunnels } from '../tunnels.ts';

const DB = { name: 'db', host: 'orders.internal', port: 5432 };
const CACHE = { name: 'cache', host: 'cache.internal', port: 6379 };

/** A Bastion that can be used from 09:00 to 13:00, and tunnels that a test looks after. */
async function setUp(targets: readonly object[] = [DB], status = readyStatus()) {
  const cli = createCli();
  const fakes = fakeTunnels();
  cli.world.tunnels = fakes.tunnels;
  await cli.api.bastions.create(sample({ targets }));
  await cli.setStatus(status);
  const start = async (line: string | readonly string[], terminal: object = {}) => {
    const running = cli.start(line, terminal);
    await settle(20);
    return running;
  };
  const ended = async (line: string) => {
    const { code, err } = await (await start(line)).done;
    expect(fakes.opened.every(({ closed }) => closed)).toBe(true);
    return { code, err };
  };
  return { ...cli, ...fakes, start, ended, cli };
}

/** Programs that run until a test says how they end. */
function programs() {
  const launched: {
    command: readonly string[];
    env: object;
    kills: EndSignal[];
    exit(code: number): void;
  }[] = [];
  const launch = (command: readonly string[], env: object) => {
    let exit: (code: number) => void = () => {};
    const kills: EndSignal[] = [];
    const ended = new Promise<number>((resolve) => {
      exit = resolve;
    });
    launched.push({ command, env, kills, exit: (code) => exit(code) });
    return { ended, kill: (name: EndSignal) => void kills.push(name) };
  };
  return { launched, launch };
}

describe('connect', () => {
  it('opens the one target, says where, until when and with what client, and closes it on Ctrl-C', async () => {
    const { start, opened } = await setUp();
    const running = await start('connect orders');
    expect(running.out()).toMatch(
      /^bastion\/orders is ready, open until .*\d\d:\d\d \(4h left\)\ndb: 127\.0\.0\.1:5432 -> orders\.internal:5432\n {2}psql -h 127\.0\.0\.1 -p 5432 -U USER DATABASE\n$/,
    );
    expect(opened[0]).toMatchObject({
      request: { host: 'orders.internal', port: 5432, localPort: 5432 },
      went: { region: 'ap-northeast-1', target: 'ecs:bastion-main_0123_0123-456' },
    });
    running.interrupt();
    expect((await running.done).code).toBe(130);
    expect(opened[0]?.closed).toBe(true);
  });

  it('takes bastion/NAME, a target and another local port', async () => {
    const { start, opened } = await setUp([DB, CACHE]);
    for (const line of [
      'connect bastion/orders cache --local-port 16379',
      'connect bastion orders cache --local-port 0',
    ]) {
      const running = await start(line);
      running.terminate();
      expect((await running.done).code).toBe(130);
    }
    expect(opened.map(({ request }) => [request.host, request.localPort])).toEqual([
      ['cache.internal', 16_379],
      ['cache.internal', 0],
    ]);
  });

  it('opens all targets at once, each on a port of its own', async () => {
    const { start, opened } = await setUp([
      DB,
      { ...DB, name: 'replica', host: 'replica.internal' },
      { name: 'web', host: 'w', port: 443 },
    ]);
    const running = await start('connect orders --all');
    expect(opened.map(({ request }) => request.localPort)).toEqual([5432, 15_432, 10_443]);
    expect(running.out()).toContain('web: 127.0.0.1:10443 -> w:443\n');
    running.interrupt();
    await running.done;
    expect(opened.every(({ closed }) => closed)).toBe(true);
  });

  it('closes what is open already when another target cannot be opened', async () => {
    const { ended, refusals, opened } = await setUp([DB, CACHE]);
    refusals.push(undefined, new SessionError('PortTaken', 'port 6379 is taken', 'choose another'));
    expect(await ended('connect orders --all')).toMatchObject({
      ...{ code: 1, err: 'error: port 6379 is taken\nhint: choose another\n' },
    });
    expect(opened).toHaveLength(1);
  });

  it('asks which of several, and knows what is none', async () => {
    const { ended } = await setUp([DB, CACHE]);
    expect((await ended('connect orders')).err).toBe(
      'error: bastion "orders" has several targets: db, cache\nhint: name one: bastionctl connect orders db; or open all of them: bastionctl connect orders --all\n',
    );
    expect((await ended('connect orders cach')).err).toContain(
      'did you mean cache? its targets are db, cache',
    );
    expect((await ended('connect nope')).err).toContain('"nope" not found');
    expect((await ended('connect')).err).toContain('error: one Bastion must be named\nhint: for example');
    expect((await ended('connect orders db --all')).err).toContain(
      'a target and --all contradict each other',
    );
    expect((await ended('connect orders --all --local-port 5')).err).toContain('for one target');
    expect((await ended('connect orders --local-port x')).err).toContain('invalid --local-port "x"');
    expect((await ended('connect orders -f x.yaml')).err).toContain('-f goes with --up');
  });

  it("is a shell where there is no target, or where one is asked for, and Ctrl-C is the far end's", async () => {
    const { start, terminals } = await setUp([]);
    const running = await start('connect orders', { hasTerminal: true });
    expect(running.out()).toContain('a shell in bastion/orders, open until');
    running.interrupt();
    terminals[0]?.exit(5);
    expect((await running.done).code).toBe(5);
    const other = await start('connect orders --shell', { hasTerminal: true });
    other.terminate();
    expect((await other.done).code).toBe(130);
    expect(terminals[1]?.request.purpose).toEqual({ kind: 'shell' });
  });

  it('tells programs what happens as lines of JSON, without a secret', async () => {
    const { start, opened } = await setUp();
    const running = await start('connect orders -o json');
    opened[0]?.request.onChange({ kind: 'dropped', why: 'gone', retryInMs: 2_000 });
    opened[0]?.request.onChange({ kind: 'reconnected' });
    running.interrupt();
    const { out } = await running.done;
    const expiresAt = '2026-11-23T13:00:00Z';
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { type: 'ready', name: 'orders', expiresAt },
      { type: 'opened', target: 'db', host: 'orders.internal', port: 5432, localPort: 5432, expiresAt },
      { type: 'dropped', target: 'db', why: 'gone', retryInMs: 2_000 },
      { type: 'reconnected', target: 'db' },
    ]);
  });

  it('names itself as it was called', async () => {
    const { cli } = await setUp([DB, CACHE]);
    const { err } = await cli.run('connect orders', { program: 'kubectl bastion' });
    expect(err).toContain('hint: name one: kubectl bastion connect orders db');
  });
});

describe('what stands in the way of a connection', () => {
  const FAILURES = [
    'PluginMissing',
    'PluginTooOld',
    'PluginFailed',
    'NoCredentials',
    'CredentialsExpired',
    'AccessDenied',
    'TargetNotConnected',
    'AdvancedTierOff',
    'SessionLimit',
    'PortTaken',
    'TargetRefused',
    'Unreachable',
    'Refused',
  ] as const;
  for (const failure of FAILURES) {
    it(`is told with the next step: ${failure}`, async () => {
      const { ended, refusals } = await setUp();
      refusals.push(new SessionError(failure, `${failure} happened`, 'do bastionctl this'));
      expect(await ended('connect orders')).toEqual({
        code: 1,
        err: `error: ${failure} happened\nhint: do bastionctl this\n`,
      });
    });
  }

  it('is told while connected, and what can go on does', async () => {
    const { start, opened } = await setUp();
    const running = await start('connect orders');
    const { onChange } = opened[0]?.request ?? {};
    onChange?.({
      kind: 'refused',
      error: new SessionError(
        'TargetRefused',
        'orders.internal:5432 takes no connection',
        'look at its group',
      ),
    });
    onChange?.({ kind: 'dropped', why: 'the plugin ended', retryInMs: 1_500 });
    onChange?.({ kind: 'reconnected' });
    expect(running.err()).toBe(
      'Warning: db: orders.internal:5432 takes no connection\nhint: look at its group\n' +
        'db: the session dropped (the plugin ended); trying again in 2s\ndb: connected again\n',
    );
    opened[0]?.break(new SessionError('AccessDenied', 'you may not', 'ask'));
    const { code, err } = await running.done;
    expect(code).toBe(1);
    expect(err).toContain('error: you may not\nhint: ask\n');
    expect(opened[0]?.closed).toBe(true);
  });
});

describe('waiting to connect', () => {
  const PROVISIONING = {
    ...readyStatus({ phase: 'Provisioning' }),
    conditions: [
      condition('NetworkReady', 'False', 'Progressing', 'vpc-endpoint/vpc-1/logs is pending'),
      condition('Ready', 'False', 'Progressing', 'not yet'),
    ],
    resources: [
      { kind: 'vpc-endpoint', key: 'vpc-endpoint/vpc-1/logs', state: 'Pending', message: 'pending' },
      { kind: 'vpc-endpoint', key: 'vpc-endpoint/vpc-1/s3', state: 'Adopted', adopted: true },
      { kind: 'ecs-cluster', key: 'ecs-cluster/main', state: 'Ready' },
    ],
  } as ReturnType<typeof readyStatus>;

  it('names each condition and each resource that is not there, once', async () => {
    const { start, setStatus } = await setUp([DB], PROVISIONING);
    const running = await start('connect orders');
    const lines = running.err().split('\n');
    expect(lines[0]).toBe('bastion/orders: Provisioning: not yet');
    expect(lines[1]).toMatch(/^ {2}NetworkReady +Progressing +vpc-endpoint\/vpc-1\/logs is pending$/);
    expect(lines[2]).toMatch(/^ {2}vpc-endpoint\/vpc-1\/logs +Pending +pending$/);
    expect(lines.slice(3)).toEqual(['']);
    await setStatus(PROVISIONING);
    expect(running.err().split('\n')).toEqual(lines);
    await setStatus(readyStatus());
    await settle(20);
    expect(running.out()).toContain('psql -h');
    running.interrupt();
    await running.done;
  });

  it('redraws a table on a terminal, and takes it away', async () => {
    const { start, setStatus } = await setUp([DB], PROVISIONING);
    const running = await start('connect orders', { isTTY: true });
    await setStatus(readyStatus());
    await settle(20);
    expect(running.err().endsWith('pending\n\u001b[3A\r\u001b[0J')).toBe(true);
    running.interrupt();
    await running.done;
  });

  it('gives up at once when it is in vain, with what to do', async () => {
    const { ended, setStatus, api } = await setUp([DB], readyStatus({ phase: 'Expired', conditions: [] }));
    const expired = await ended('connect orders');
    expect(expired).toMatchObject({ code: 1 });
    expect(expired.err).toContain(
      'has expired at 2026-11-23T13:00:00Z\nhint: for a whole ttl from now: bastionctl renew orders',
    );
    const failed = [condition('Ready', 'False', 'Failed', 'vpc-1 does not exist')];
    await setStatus(readyStatus({ phase: 'Failed', conditions: failed }));
    expect((await ended('connect orders')).err).toContain(
      'has failed: vpc-1 does not exist\nhint: bastionctl describe bastion orders',
    );
    await api.bastions.patch('default', 'orders', { spec: { suspend: true } });
    expect((await ended('connect orders')).err).toContain(
      'is suspended\nhint: reopen it: bastionctl resume orders',
    );
  });

  it('gives up after --timeout, and on Ctrl-C', async () => {
    const { start, clock } = await setUp([DB], PROVISIONING);
    const running = await start('connect orders --timeout=30s');
    await clock.advance(30_000);
    const { code, err } = await running.done;
    expect(code).toBe(1);
    expect(err).toContain(
      'error: bastion "orders" was not ready within 30s: bastion/orders: Provisioning: not yet\nhint: see what',
    );
    const other = await start('connect orders');
    other.interrupt();
    expect((await other.done).code).toBe(130);
  });

  function condition(type: string, status: string, reason: string, message: string) {
    return { type, status, reason, message, lastTransitionTime: '2026-11-23T09:00:00Z' } as never;
  }
});

describe('while connected', () => {
  it('warns 10 and 2 minutes before the end, and closes at the end', async () => {
    const { start, clock, opened } = await setUp();
    const running = await start('connect orders');
    await clock.advance(3.9 * 3_600_000);
    expect(running.err()).toBe(
      'Warning: bastion/orders closes soon: 10m left\nhint: for a whole ttl from now: bastionctl renew orders\n',
    );
    await clock.advance(5 * 60_000);
    expect(running.err().match(/closes soon: 2m left/g)).toHaveLength(1);
    await clock.advance(60_000);
    const { code, err } = await running.done;
    expect(code).toBe(3);
    expect(err).toContain('bastion "orders" has expired at 2026-11-23T13:00:00Z\nhint: for a whole ttl');
    expect(opened[0]?.closed).toBe(true);
  });

  it('goes on when it is renewed, and warns anew before the new end', async () => {
    const { start, clock, setStatus } = await setUp();
    const running = await start('connect orders');
    await clock.advance(3 * 3_600_000 + 51 * 60_000);
    await setStatus(readyStatus({ expiresAt: '2026-11-23T16:50:00Z' }));
    await settle(20);
    expect(running.err()).toMatch(/bastion\/orders was renewed, open until .* left\)\n$/);
    await clock.advance(2 * 3_600_000 + 50 * 60_000);
    expect(running.err().match(/closes soon: 10m left/g)).toHaveLength(1);
    await clock.advance(60_000);
    running.interrupt();
    expect((await running.done).code).toBe(130);
  });

  it('ends when it is deleted, suspended, or was idle', async () => {
    const deletion = await setUp();
    const first = await deletion.start('connect orders');
    await deletion.api.bastions.delete('default', 'orders');
    expect(await first.done).toMatchObject({
      code: 3,
      err: expect.stringContaining('"orders" is being deleted\nhint: apply'),
    });
    const suspension = await setUp();
    const second = await suspension.start('connect orders');
    await suspension.api.bastions.patch('default', 'orders', { spec: { suspend: true } });
    expect(await second.done).toMatchObject({
      code: 3,
      err: expect.stringContaining('bastionctl resume orders'),
    });
    const idle = await setUp();
    const third = await idle.start('connect orders');
    const conditions = [
      {
        type: 'Ready',
        status: 'False',
        reason: 'Idle',
        message: 'no session for 30m',
        lastTransitionTime: '2026-11-23T09:00:00Z',
      },
    ] as never;
    await idle.setStatus(readyStatus({ phase: 'Expired', conditions }));
    expect(await third.done).toMatchObject({
      code: 3,
      err: expect.stringContaining('being idle: no session for 30m'),
    });
  });

  it('connects anew to the task that took the place of the first', async () => {
    const { start, setStatus, opened } = await setUp();
    const running = await start('connect orders');
    await setStatus(readyStatus({ phase: 'Degraded', sessionTarget: 'ecs:bastion-main_9_9-9' }));
    await settle(20);
    expect(await opened[0]?.request.origin()).toMatchObject({ target: 'ecs:bastion-main_9_9-9' });
    const { sessionTarget: _none, ...without } = readyStatus({ phase: 'Degraded' });
    await setStatus(without);
    await settle(20);
    await expect(opened[0]?.request.origin()).rejects.toThrow('has no running task now');
    running.interrupt();
    await running.done;
  });
});

describe('connect --exec', () => {
  it('runs the command with the ports in its environment, and passes its exit code on', async () => {
    const { start, world, opened } = await setUp([DB, CACHE]);
    const { launched, launch } = programs();
    world.launch = launch;
    const running = await start(['connect', 'orders', '--all', '--exec', 'psql', '--all', '-c', 'select 1']);
    expect(launched[0]?.command).toEqual(['psql', '--all', '-c', 'select 1']);
    const local = '127.0.0.1';
    expect(launched[0]?.env).toEqual({
      ...{ BASTION_HOST: local, BASTION_PORT: '5432', PGHOST: local, PGPORT: '5432' },
      ...{ BASTION_DB_HOST: local, BASTION_DB_PORT: '5432', REDIS_HOST: local, REDIS_PORT: '6379' },
      ...{ BASTION_CACHE_HOST: local, BASTION_CACHE_PORT: '6379' },
    });
    launched[0]?.exit(7);
    const { code, out, err } = await running.done;
    expect({ code, out }).toEqual({ code: 7, out: '' });
    expect(err).toContain('db: 127.0.0.1:5432 ->');
    expect(opened.every(({ closed }) => closed)).toBe(true);
  });

  it('takes the words after -- too, hands signals on, and waits for the command', async () => {
    const { start, world } = await setUp();
    const { launched, launch } = programs();
    world.launch = launch;
    const atTerminal = await start('connect orders -- psql -n x', { hasTerminal: true });
    atTerminal.interrupt();
    atTerminal.terminate();
    expect(launched[0]).toMatchObject({ command: ['psql', '-n', 'x'], kills: ['SIGTERM'] });
    launched[0]?.exit(143);
    expect((await atTerminal.done).code).toBe(143);
    const piped = await start('connect orders --exec sleep 1');
    piped.interrupt();
    expect(launched[1]?.kills).toEqual(['SIGINT']);
    launched[1]?.exit(130);
    expect((await piped.done).code).toBe(130);
  });

  it('ends the command with the Bastion, and does not wait for one that stays', async () => {
    const { start, world, clock, opened } = await setUp();
    const { launched, launch } = programs();
    world.launch = launch;
    const running = await start('connect orders --exec sleep 99999');
    await clock.advance(4 * 3_600_000 + 5_000);
    expect((await running.done).code).toBe(3);
    expect(launched[0]?.kills).toEqual(['SIGTERM']);
    expect(opened[0]?.closed).toBe(true);
  });

  it('says what cannot be run', async () => {
    const { ended, world } = await setUp();
    const missing = Object.assign(new Error('spawn psq ENOENT'), { code: 'ENOENT' });
    world.launch = () => ({ ended: Promise.reject(missing), kill: () => undefined });
    expect(await ended('connect orders --exec psq')).toMatchObject({
      code: 1,
      err: expect.stringContaining('error: cannot run psq: it is not in PATH\nhint: install it'),
    });
    expect((await ended('connect orders --exec')).err).toContain('--exec needs a command');
  });
});

describe('connect --up', () => {
  const FILE = manifestText('orders', `ttl: 4h\n  targets: [{ name: db, host: h, port: 5432 }]`);

  it('applies, connects and suspends afterwards, also after a failure and after Ctrl-C', async () => {
    const cli = createCli();
    const { tunnels, refusals } = fakeTunnels();
    cli.world.tunnels = tunnels;
    cli.files.set('orders.yaml', FILE);
    const suspended = async () => (await cli.api.bastions.get('default', 'orders')).spec.suspend;
    const running = cli.start('connect --up -f orders.yaml');
    await settle(20);
    await cli.setStatus(readyStatus());
    await settle(20);
    expect(running.out()).toContain('db: 127.0.0.1:5432 -> h:5432');
    expect(await suspended()).toBe(false);
    running.interrupt();
    const { code, err } = await running.done;
    expect(code).toBe(130);
    expect(err).toContain('orders created\n');
    expect(err).toContain('orders suspended\n');
    expect(await suspended()).toBe(true);
    refusals.push(new SessionError('PluginMissing', 'no plugin', 'install it'));
    const again = cli.start('connect orders --up -f orders.yaml');
    await settle(20);
    expect(await suspended()).toBe(false);
    const { generation } = (await cli.api.bastions.get('default', 'orders')).metadata;
    const conditions =
      readyStatus().conditions?.map((one) => ({ ...one, observedGeneration: generation })) ?? [];
    await cli.setStatus(readyStatus({ observedGeneration: generation, conditions }));
    expect(await again.done).toMatchObject({ code: 1, err: expect.stringContaining('error: no plugin') });
    expect(await suspended()).toBe(true);
  });

  it('renews one that has expired', async () => {
    const { start, api, files } = await setUp([DB], readyStatus({ phase: 'Expired' }));
    files.set('orders.yaml', FILE);
    const running = await start('connect --up -f orders.yaml');
    const { metadata } = await api.bastions.get('default', 'orders');
    expect(metadata.annotations?.[ANNOTATION.renewedAt]).toBe('2026-11-23T09:00:00Z');
    running.interrupt();
    await running.done;
  });

  it('says what is wrong with the manifest, and opens nothing', async () => {
    const { ended, files } = await setUp();
    files.set('two.yaml', `${FILE}---\n${manifestText('other')}`);
    files.set('bad.yaml', manifestText('bad', 'ttl: nonsense'));
    expect((await ended('connect --up')).err).toContain('--up needs a manifest: -f FILE');
    expect((await ended('connect --up -f two.yaml')).err).toContain('--up needs a file with one Bastion');
    expect((await ended('connect --up -f bad.yaml')).err).toContain('bad.yaml:1: spec.ttl');
    expect((await ended('connect --up -f none.yaml')).err).toContain('the path "none.yaml" does not exist');
  });
});
