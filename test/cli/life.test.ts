import { describe, expect, it } from 'vitest';
import { settle } from '../clock.ts';
import { ANNOTATION, createCli, manifestText, readyStatus, sample } from './fixture.ts';

async function createOrders(spec: object = {}) {
  const cli = createCli();
  await cli.api.bastions.create(sample(spec));
  return cli;
}

const GONE = 'bastion.bastion-operator.dev "orders" deleted\n';

describe('delete', () => {
  it('waits until the teardown has released the Bastion, and says what it waits for', async () => {
    const cli = await createOrders();
    const running = cli.start('delete bastion orders');
    await settle();
    expect(running.out()).toBe(GONE);
    expect(running.err()).toBe('bastion/orders: Terminating: waiting for the controller\n');
    await cli.release();
    expect(await running.done).toMatchObject({ code: 0, out: GONE });
  });

  it('gives up after --timeout, with what to do next', async () => {
    const cli = await createOrders();
    const running = cli.start('delete bastion/orders --timeout=10s');
    await cli.clock.advance(10_000);
    const { code, err } = await running.done;
    expect(code).toBe(1);
    expect(err).toContain(
      'error: timed out waiting for the condition on bastions/orders\nhint: it goes on in the',
    );
  });

  it('does not wait with --wait=false, and goes on when interrupted', async () => {
    const cli = await createOrders();
    expect(await cli.run('delete bastion orders --wait=false')).toEqual({ code: 0, out: GONE, err: '' });
    const running = cli.start('delete orders --wait');
    await settle();
    running.interrupt();
    expect(await running.done).toMatchObject({ code: 130 });
  });

  it('fails for what does not exist unless told to ignore it', async () => {
    const cli = createCli();
    const { code, err } = await cli.run('delete bastion x');
    expect(code).toBe(1);
    expect(err).toContain('Error from server (NotFound): bastions.bastion-operator.dev "x" not found\n');
    expect(await cli.run('delete bastion x --ignore-not-found')).toEqual({ code: 0, out: '', err: '' });
  });

  it('takes files, labels or all, and one of them only', async () => {
    const cli = await createOrders();
    cli.files.set('orders.yaml', manifestText('orders', 'ttl: nonsense'));
    expect((await cli.run('delete --dry-run -f orders.yaml')).out).toBe(GONE.replace('\n', ' (dry run)\n'));
    expect((await cli.run('delete --all --dry-run=server')).out).toBe(
      GONE.replace('\n', ' (server dry run)\n'),
    );
    expect((await cli.run('delete -l team=x')).err).toBe('No resources found\n');
    expect((await cli.run('delete bastion orders --all')).err).toContain('only one of them');
    expect((await cli.run('delete bastion')).err).toContain('no name was specified');
    expect((await cli.api.bastions.get('default', 'orders')).metadata.deletionTimestamp).toBeUndefined();
  });
});

describe('wait', () => {
  it('returns when the condition is met', async () => {
    const cli = await createOrders();
    const running = cli.start('wait --for=condition=Ready bastion/orders --timeout=5m');
    await settle();
    expect(running.err()).toBe('bastion/orders: Pending: waiting for the controller\n');
    await cli.setStatus(readyStatus());
    expect(await running.done).toMatchObject({
      code: 0,
      out: 'bastion.bastion-operator.dev/orders condition met\n',
    });
  });

  it('does not take the condition of an older spec for an answer', async () => {
    const cli = await createOrders();
    await cli.setStatus(readyStatus());
    await cli.api.bastions.patch('default', 'orders', { spec: { ttl: '5h' } });
    expect((await cli.run('wait --for=condition=ready orders --timeout=0')).code).toBe(1);
  });

  it('times out with what the Bastion is busy with', async () => {
    const cli = await createOrders();
    const conditions = [
      {
        type: 'Ready',
        status: 'False',
        reason: 'Progressing',
        message: 'waiting for vpc-endpoint/vpc-1/ssm',
      },
    ] as const;
    const lastTransitionTime = '2026-11-23T09:00:00Z';
    await cli.setStatus({ phase: 'Provisioning', conditions: [{ ...conditions[0], lastTransitionTime }] });
    const running = cli.start('wait --for=condition=Ready bastion orders');
    await cli.clock.advance(30_000);
    const { code, out, err } = await running.done;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('error: timed out waiting for the condition on bastions/orders\n');
    expect(err).toContain('hint: bastion/orders: Provisioning: waiting for vpc-endpoint/vpc-1/ssm; more: ');
  });

  it('waits for a deletion, also one that is over', async () => {
    const cli = await createOrders();
    const running = cli.start('wait --for=delete bastion/orders');
    await settle();
    await cli.api.bastions.delete('default', 'orders');
    await cli.release();
    expect((await running.done).code).toBe(0);
    expect(await cli.run('wait --for=delete bastion/orders')).toEqual({ code: 0, out: '', err: '' });
    expect((await cli.run('wait --for=condition=Ready bastion/orders')).err).toContain('(NotFound)');
  });

  it('waits for a jsonpath, for all, and answers Ctrl-C', async () => {
    const cli = await createOrders();
    await cli.setStatus(readyStatus({ phase: 'Expired' }));
    const expired = "--for=jsonpath='{.status.phase}'=Expired".replaceAll("'", '');
    expect((await cli.run(['wait', expired, '--all'])).code).toBe(0);
    const running = cli.start('wait --for=condition=Ready=False orders --timeout=-1s');
    await settle();
    running.interrupt();
    expect((await running.done).code).toBe(130);
  });

  it('explains what it can wait for', async () => {
    const cli = createCli();
    expect((await cli.run('wait --for=readiness orders')).err).toContain(
      'unrecognized condition: "readiness"\nhint: allowed',
    );
    expect((await cli.run('wait --for=condition=Redy orders')).err).toContain('unknown condition "Redy"');
    expect((await cli.run('wait --for=delete')).err).toContain('name what to wait for');
    expect((await cli.run('wait --for=condition=Ready --all')).err).toBe(
      'error: no matching resources found\n',
    );
  });

  it('shows one live line on a terminal and takes it away', async () => {
    const cli = await createOrders();
    const running = cli.start('wait --for=condition=Ready orders', { isTTY: true });
    await settle();
    await cli.setStatus(readyStatus());
    const { err } = await running.done;
    const clear = '\r\u001b[2K';
    expect(err).toBe(`${clear}bastion/orders: Pending: waiting for the controller${clear}`);
  });
});

describe('renew', () => {
  it('records the renewal and prints the expiry that the controller answers', async () => {
    const cli = await createOrders();
    await cli.setStatus(readyStatus());
    await cli.clock.advance(3_600_000);
    const running = cli.start('renew orders');
    await settle();
    const { annotations } = (await cli.api.bastions.get('default', 'orders')).metadata;
    expect(annotations?.[ANNOTATION.renewedAt]).toBe('2026-11-23T10:00:00Z');
    await cli.setStatus(readyStatus({ expiresAt: '2026-11-23T14:00:00Z' }));
    expect(await running.done).toMatchObject({
      code: 0,
      out: 'bastion.bastion-operator.dev/orders renewed\nexpires at 2026-11-23T14:00:00Z (in 4h)\n',
    });
  });

  it('reopens a scheduled Bastion that ended for being idle, as long as its window lasts', async () => {
    const schedule = { cron: '0 9 * * *', timeZone: 'UTC' };
    const cli = await createOrders({ schedule, idleTimeout: '30m' });
    const idle = { since: '2026-11-23T09:00:00Z', endedAt: '2026-11-23T09:30:00Z' };
    const nextActivationAt = '2026-11-24T09:00:00Z';
    const fields = { phase: 'Scheduled', expiresAt: idle.endedAt, nextActivationAt } as const;
    await cli.setStatus(readyStatus(fields));
    const closed = `error: bastion "orders" is closed and opens by its schedule at ${nextActivationAt}\n`;
    expect((await cli.run('renew orders --dry-run')).err).toBe(closed);
    await cli.setStatus(readyStatus({ ...fields, idle }));
    expect((await cli.run('renew orders --dry-run')).out).toContain('renewed (dry run)');
    await cli.clock.advance(4 * 3_600_000);
    expect((await cli.run('renew orders --dry-run')).err).toBe(closed);
  });

  it('says when --max-ttl cut it short', async () => {
    const cli = await createOrders();
    await cli.setStatus(readyStatus());
    await cli.clock.advance(3_600_000);
    const running = cli.start('renew bastion/orders');
    await settle();
    await cli.setStatus(readyStatus({ expiresAt: '2026-11-23T13:30:00Z' }));
    expect((await running.done).out).toContain(
      "2026-11-23T13:30:00Z (in 3h30m), less than the full ttl of 4h: clamped by the controller's --max-ttl\n",
    );
  });

  it('does not claim a longer life without an answer', async () => {
    const cli = await createOrders();
    await cli.setStatus(readyStatus());
    await cli.clock.advance(60_000);
    const running = cli.start('renew orders');
    await cli.clock.advance(15_000);
    const { code, err } = await running.done;
    expect(code).toBe(1);
    expect(err).toContain('error: no new expiry within 15s; it still expires at 2026-11-23T13:00:00Z');
  });

  it('changes nothing in a dry run and refuses what is not open', async () => {
    const cli = await createOrders();
    expect((await cli.run('renew --dry-run orders')).out).toBe(
      'bastion.bastion-operator.dev/orders renewed (dry run)\nwould expire at 2026-11-23T13:00:00Z (in 4h) at the latest\n',
    );
    await cli.run('suspend orders');
    expect((await cli.run('renew orders')).err).toBe(
      'error: bastion "orders" is suspended\nhint: reopen it with: bastionctl resume orders\n',
    );
    expect((await cli.run('renew orders reports')).err).toContain('expected one Bastion');
  });
});

describe('suspend and resume', () => {
  it('set and clear spec.suspend', async () => {
    const cli = await createOrders();
    expect((await cli.run('suspend orders')).out).toBe('bastion.bastion-operator.dev/orders suspended\n');
    expect((await cli.run('suspend orders')).out).toContain('orders unchanged (already suspended)\n');
    expect((await cli.api.bastions.get('default', 'orders')).spec.suspend).toBe(true);
    expect((await cli.run('resume bastion/orders')).out).toBe(
      'bastion.bastion-operator.dev/orders resumed\n',
    );
    expect((await cli.api.bastions.get('default', 'orders')).spec.suspend).toBe(false);
    expect((await cli.run('resume x')).code).toBe(1);
  });

  it('say by whom a Bastion is suspended, since when, and that git does not open it', async () => {
    const cli = await createOrders();
    const annotations = { [ANNOTATION.source]: 'https://git/infra#main', [ANNOTATION.sourcePath]: 'a.yaml' };
    await cli.sourceApi.bastions.patch('default', 'orders', { metadata: { annotations } });
    expect((await cli.run('suspend orders')).err).toBe(
      'Warning: bastions/orders comes from https://git/infra#main (a.yaml) and stays suspended until it is resumed or changed there.\n',
    );
    expect((await cli.run('describe bastion orders')).out).toMatch(
      /Suspended: +yes by alice since 2026-11-23T09:00:00Z; its file does not suspend it/,
    );
    expect((await cli.run('resume orders')).err).toBe('');
    expect((await cli.run('delete bastion orders --wait=false')).err).toBe(
      'Warning: bastions/orders comes from https://git/infra#main (a.yaml) and stays away until it is changed there; delete it there as well.\n',
    );
  });

  it('leave to its file what that suspends', async () => {
    const cli = await createOrders();
    const annotations = {
      ...{ [ANNOTATION.source]: 'https://git/infra#main', [ANNOTATION.sourcePath]: 'a.yaml' },
      [ANNOTATION.suspendedBy]: 'git',
    };
    await cli.sourceApi.bastions.patch('default', 'orders', {
      ...{ spec: { suspend: true }, metadata: { annotations } },
    });
    const { code, err } = await cli.run('resume orders');
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('spec.suspend: Forbidden: a.yaml of https://git/infra#main suspends it'),
    ]);
    expect((await cli.run('release orders')).code).toBe(0);
    expect((await cli.run('resume orders')).code).toBe(0);
  });
});
