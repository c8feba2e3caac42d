import { describe, expect, it } from 'vitest';
import type { PortTunnel, Tunnels } from '../../../controller/api/session.ts';
import { createSessions } from '../../../controller/aws/sessions.ts';
import { ORDINARY } from '../../../controller/simulator/seed.ts';
import { settle } from '../../clock.ts';
import { REGION, startHarness } from '../../reconcile/harness.ts';
import { createCli } from '../fixture.ts';

const MINUTE_MS = 60_000;

/** A controller on simulated AWS, and somebody connected through a session of simulated Session Manager. */
async function connected() {
  const harness = startHarness();
  const { clock, simulator, api } = harness;
  const credentials = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' };
  const connection = async () => ({ requestHandler: simulator.requestHandler, credentials });
  const sessions = createSessions({ connection, profile: '', clock });
  const cli = createCli({ api, clock });
  const seen = { droppedAt: 0, closedAt: 0 };
  cli.world.tunnels = { ...cli.world.tunnels, openPort } satisfies Tunnels;

  /** As the plugin does: holds on to its session, and learns from it alone that it has ended. */
  async function openPort({
    origin,
    onChange,
    ...port
  }: Parameters<Tunnels['openPort']>[0]): Promise<PortTunnel> {
    const purpose = { kind: 'port', ...port } as const;
    const started = await sessions.start({ ...(await origin()), purpose }, new AbortController().signal);
    const { TokenValue: token } = JSON.parse(started.handover.response);
    const channel = simulator.openChannel({ id: started.id, token }, () => {
      seen.droppedAt = clock.now();
      onChange({ kind: 'dropped', why: 'the session was ended', retryInMs: 1_000 });
    });
    if (!channel) throw new Error('the session is not open');
    const close = async () => {
      channel.close();
      seen.closedAt = clock.now();
      await sessions.terminate(started);
    };
    return { localPort: port.localPort, ended: new Promise(() => {}), close };
  }

  await harness.apply('orders', {
    ttl: '1h',
    targets: [{ name: 'db', host: '10.0.1.20', port: 5432, securityGroupId: ORDINARY.ordersGroup }],
  });
  await harness.runUntil(async () => (await harness.phase('orders')) === 'Ready');
  // Somebody else, whom no program of ours tells anything.
  const { sessionTarget: target = '' } = (await harness.get('orders')).status ?? {};
  const shell = { region: REGION, target, purpose: { kind: 'shell' }, reason: 'by hand' } as const;
  await sessions.start(shell, new AbortController().signal);
  const running = cli.start('connect orders');
  await expect.poll(running.out).toContain('-> 10.0.1.20:5432');
  const grants = () => simulator.ec2.state.groups.get(ORDINARY.ordersGroup)?.rules.size ?? 0;
  const open = () =>
    [...simulator.ssm.state.sessions.values()].filter(({ endedAt }) => endedAt === undefined);
  return { ...harness, running, seen, grants, open };
}

describe('a session that is open when its Bastion expires', () => {
  it('is terminated with its grants, and the tunnel closed, within 60 s', async () => {
    const { clock, run, get, running, seen, open, grants, simulator } = await connected();
    const expiresAt = Date.parse((await get('orders')).status?.expiresAt ?? '');
    expect(open()).toHaveLength(2);
    const granted = grants();
    await run(expiresAt - clock.now() - 1_000);
    expect({ open: open().length, grants: grants() }).toEqual({ open: 2, grants: granted });
    expect(running.err()).toContain('closes soon: 2m left');
    await run(MINUTE_MS);
    await settle(50);
    expect(open()).toEqual([]);
    expect(grants()).toBeLessThan(granted);
    const { code, err } = await running.done;
    expect(code).toBe(3);
    expect(err).toContain('bastion "orders" has expired');
    expect(seen.closedAt - expiresAt).toBeLessThanOrEqual(MINUTE_MS);
    for (const { endedAt = Infinity } of simulator.ssm.state.sessions.values()) {
      expect(endedAt - expiresAt).toBeLessThanOrEqual(MINUTE_MS);
    }
  });

  it('is terminated by the controller though the person does nothing about it', async () => {
    const { clock, run, get, api, open, running, seen } = await connected();
    await api.bastions.delete('default', 'orders');
    expect((await get('orders')).metadata.deletionTimestamp).toBeDefined();
    const at = clock.now();
    await run(MINUTE_MS);
    expect(open()).toEqual([]);
    expect((await running.done).code).toBe(3);
    expect(seen.closedAt - at).toBeLessThanOrEqual(MINUTE_MS);
  });
});
