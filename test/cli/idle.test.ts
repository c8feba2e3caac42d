import { describe, expect, it } from 'vitest';
import { createCli, manifestText, sample } from './fixture.ts';

const WARNING =
  'Warning: no controller is running on /data: start one (npm start) or name another with --data-dir\n';

function createIdle({ isAbsent = false } = {}) {
  const cli = createCli();
  cli.world.idle = { dataDir: '/data', isAbsent };
  return cli;
}

describe('a store that no controller looks after', () => {
  it('is worked on with one line of warning', async () => {
    const cli = createIdle();
    cli.files.set('orders.yaml', manifestText());
    expect(await cli.run('apply -f orders.yaml')).toEqual({
      code: 0,
      out: 'bastion.bastion-operator.dev/orders created\n',
      err: WARNING,
    });
    expect((await cli.run('get bastion orders')).err).toBe(WARNING);
    expect((await cli.run('describe bastion orders')).err).toBe(WARNING);
  });

  it('is made by apply only', async () => {
    const cli = createIdle();
    cli.files.set('orders.yaml', manifestText());
    await cli.run('apply -f orders.yaml');
    await cli.run('apply -f orders.yaml --dry-run');
    await cli.run('get');
    await cli.run('delete bastion orders --wait=false');
    expect(cli.connections.map(({ mayCreate = false }) => mayCreate)).toEqual([true, false, false, false]);
  });

  it('ends a deletion that would be waited for in vain, and says who finishes it', async () => {
    const cli = createIdle();
    await cli.api.bastions.create(sample());
    const { code, err } = await cli.run('delete bastion orders');
    expect(code).toBe(1);
    expect(err).toBe(`${WARNING}error: bastions/orders is marked; a controller on /data will finish it\n`);
  });

  it('is empty and not watched while it does not exist', async () => {
    const cli = createIdle({ isAbsent: true });
    const { code, err } = await cli.run('get');
    expect(code).toBe(0);
    expect(err).toContain('no controller is running on /data, where nothing is stored yet: start one');
    expect(err).toContain('No resources found in default namespace.\n');
    for (const line of ['get -w', 'events -w']) {
      const watched = await cli.run(line);
      expect(watched.code).toBe(1);
      expect(watched.err).toContain('error: there is nothing to watch yet\nhint: start the controller first');
    }
  });

  it('shows Bastions that nobody has looked at as pending', async () => {
    const cli = createIdle();
    await cli.api.bastions.create(sample());
    expect((await cli.run('get --no-headers')).out).toMatch(/^orders +Pending /);
  });
});
