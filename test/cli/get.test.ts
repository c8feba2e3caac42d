import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { settle } from '../clock.ts';
import { createCli, event, readyStatus, sample } from './fixture.ts';

const TARGETS = {
  targets: [
    { name: 'orders', host: 'orders.example.com', port: 5432 },
    { name: 'cache', host: '10.0.0.7', port: 6379 },
  ],
};

async function createReady() {
  const cli = createCli();
  await cli.api.bastions.create(sample(TARGETS, { labels: { team: 'payments' } }));
  await cli.api.bastions.create(sample({}, { name: 'reports' }));
  await cli.setStatus(readyStatus());
  return cli;
}

describe('get', () => {
  it('shows the columns of the CRD, and what is left until the expiry', async () => {
    const cli = await createReady();
    await cli.clock.advance(61_000);
    expect(await cli.run('get bastions')).toEqual({
      code: 0,
      out: [
        'NAME      PHASE     TRANSPORT   TARGETS        EXPIRES   AGE',
        'orders    Ready     EcsExec     orders,cache   3h58m     61s',
        'reports   Pending   EcsExec     <none>         <none>    61s',
        '',
      ].join('\n'),
      err: '',
    });
    expect((await cli.run('get')).out).toBe((await cli.run('get bst')).out);
    await cli.clock.advance(5 * 3_600_000);
    expect((await cli.run('get bastion orders --no-headers')).out).toMatch(
      /^orders\s+Ready\s.*\s61m ago\s+5h1m\n$/,
    );
  });

  it('adds columns for wide, and the namespace for all of them', async () => {
    const cli = await createReady();
    await cli.api.bastions.create(sample({}, { name: 'other', namespace: 'team-a' }));
    expect((await cli.run('get bst -o wide')).out).toMatch(/AGE +VPC +SESSION-TARGET +REASON\n/);
    const { out } = await cli.run('get bst -A');
    expect(out.split('\n')[0]).toMatch(/^NAMESPACE +NAME +PHASE/);
    expect(out).toMatch(/\nteam-a +other /);
    expect((await cli.run('get bst -n team-a -o name')).out).toBe('bastion.bastion-operator.dev/other\n');
  });

  it('says on stderr that nothing was found', async () => {
    const cli = createCli();
    expect(await cli.run('get bastions')).toEqual({
      code: 0,
      out: '',
      err: 'No resources found in default namespace.\n',
    });
    expect((await cli.run('get bastions -A')).err).toBe('No resources found\n');
  });

  it('shows the others when one name does not exist, and fails', async () => {
    const cli = await createReady();
    const { code, out, err } = await cli.run('get bastion orders x');
    expect(code).toBe(1);
    expect(out).toContain('orders');
    expect(err).toBe(
      'Error from server (NotFound): bastions.bastion-operator.dev "x" not found\n' +
        'hint: list what exists with: bastionctl get bastions -A\n',
    );
  });

  it('writes one object as itself and several as a List, in JSON and YAML alike', async () => {
    const cli = await createReady();
    const one = JSON.parse((await cli.run('get bastion/orders -o json')).out);
    expect(one).toMatchObject({ apiVersion: 'bastion-operator.dev/v1alpha1', kind: 'Bastion' });
    const list = load((await cli.run('get bst -o yaml')).out);
    expect(list).toMatchObject({ apiVersion: 'v1', kind: 'List', items: [one, { kind: 'Bastion' }] });
    expect(JSON.parse((await cli.run('get bastion x -o json')).out || '"nothing"')).toBe('nothing');
  });

  it.each([
    ['{.items[*].metadata.name}', 'orders reports'],
    ['{.items[0].status.conditions[?(@.type=="Ready")].status}', 'True'],
    ['{range .items[*]}{.metadata.name}{"\\t"}{.spec.ttl}{"\\n"}{end}', 'orders\t4h\nreports\t4h\n'],
    [
      '{.items[-1].spec.network}',
      '{"path":"Auto","subnetIds":["subnet-0a1b2c3d4e5f60718"],"vpcId":"vpc-0a1b2c3d4e5f60718"}',
    ],
    ["{.items[0].metadata['labels'].team}", 'payments'],
    ['{..port}', '5432 6379'],
    ['{.items[0].nowhere}', ''],
  ])('evaluates the jsonpath %s', async (template, expected) => {
    const cli = await createReady();
    const { code, out } = await cli.run(['get', 'bst', '-o', `jsonpath=${template}`]);
    expect(code).toBe(0);
    const unordered = (text: string) => (text.startsWith('{') ? JSON.parse(text) : text);
    expect(unordered(out)).toEqual(unordered(expected));
  });

  it('explains a jsonpath, a format or a selector it cannot read', async () => {
    const cli = await createReady();
    expect((await cli.run(['get', 'bst', '-o', 'jsonpath={.a[}'])).err).toContain('jsonpath "');
    expect((await cli.run('get bst -o xml')).err).toContain(
      'unable to match a printer suitable for the output format "xml", allowed formats are: json,jsonpath,name,wide,yaml',
    );
    expect((await cli.run('get bst -l =')).err).toContain('Error from server (BadRequest): ');
  });

  it('selects by labels and fields, and sorts', async () => {
    const cli = await createReady();
    expect((await cli.run('get bst -l team=payments -o name')).out).toBe(
      'bastion.bastion-operator.dev/orders\n',
    );
    expect((await cli.run('get bst --field-selector metadata.name!=orders -o name')).out).toContain(
      '/reports',
    );
    expect((await cli.run('get bst --sort-by=.status.phase -o name')).out).toBe(
      'bastion.bastion-operator.dev/reports\nbastion.bastion-operator.dev/orders\n',
    );
  });

  it('suggests the type that was meant', async () => {
    const cli = createCli();
    expect((await cli.run('get bastoins')).err).toBe(
      'error: the server doesn\'t have a resource type "bastoins"\nhint: did you mean bastions?\n',
    );
    expect((await cli.run('get orders')).err).toContain('bastionctl get bastion orders');
  });

  it('prints a row per change while watching, aligned with the first', async () => {
    const cli = await createReady();
    const running = cli.start('get bastion orders -w');
    await settle();
    await cli.setStatus(readyStatus({ phase: 'Degraded' }));
    await cli.api.bastions.create(sample({}, { name: 'unrelated' }));
    await settle();
    running.interrupt();
    const { code, out } = await running.done;
    expect(code).toBe(130);
    expect(out.split('\n').map((line) => line.split(/\s{2,}/)[1])).toEqual([
      'PHASE',
      'Ready',
      'Degraded',
      undefined,
    ]);
    expect(cli.world.open).toBe(0);
  });

  it('prints no row for a change that no column shows', async () => {
    const cli = await createReady();
    const running = cli.start('get bst --watch-only --no-headers');
    await settle();
    await cli.setStatus(readyStatus({ networkPath: 'Nat', expiresAt: '2026-11-23T14:00:00Z' }));
    await cli.setStatus(readyStatus({ networkPath: 'Nat', phase: 'Degraded' }));
    await cli.setStatus(readyStatus({ phase: 'Degraded' }));
    running.interrupt();
    expect((await running.done).out).toMatch(/^orders +Degraded .*\n$/);
  });

  it('shows changes only, and streams objects, on request', async () => {
    const cli = await createReady();
    const running = cli.start('get bst --watch-only -o name');
    await settle();
    await cli.setStatus(readyStatus({ phase: 'Degraded' }));
    running.interrupt();
    expect((await running.done).out).toBe('bastion.bastion-operator.dev/orders\n');
  });

  it('colours phases on a terminal only, and not under NO_COLOR', async () => {
    const cli = await createReady();
    const start = '\u001b[';
    expect((await cli.run('get bst', { isTTY: true })).out).toContain(`${start}32mReady${start}39m`);
    expect((await cli.run('get bst', { isTTY: true, noColor: true })).out).not.toContain(start);
    expect((await cli.run('get bst')).out).not.toContain(start);
  });
});

describe('events', () => {
  async function createEvents() {
    const cli = createCli();
    await cli.api.events.create(event('one', { count: 3, firstTimestamp: '2026-11-23T08:50:00Z' }));
    await cli.clock.advance(60_000);
    await cli.api.events.create(
      event('two', { type: 'Warning', reason: 'Failed', message: 'no\n\u001b[31mpath' }),
    );
    return cli;
  }

  it('lists those of one second in the order in which they were written', async () => {
    const cli = createCli();
    for (const name of ['z', 'b', 'a']) await cli.api.events.create(event(name));
    const names = 'event/z\nevent/b\nevent/a\n';
    expect((await cli.run('events -o name')).out).toBe(names);
    expect((await cli.run('get events -o name')).out).toBe(names);
  });

  it('lists them oldest first, counted, and without what would move the cursor', async () => {
    const cli = await createEvents();
    const { code, out } = await cli.run('events');
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'LAST SEEN           TYPE      REASON   OBJECT           MESSAGE',
        '60s (x3 over 11m)   Normal    Ready    bastion/orders   The bastion is ready.',
        '0s                  Warning   Failed   bastion/orders   no [31mpath',
        '',
      ].join('\n'),
    );
    expect((await cli.run('get events')).out).toBe(out);
  });

  it('filters by Bastion and type', async () => {
    const cli = await createEvents();
    expect((await cli.run('events --for bastion/orders --types=Warning -o name')).out).toBe('event/two\n');
    expect((await cli.run('events --for bastion/reports')).err).toBe(
      'No events found in default namespace.\n',
    );
    expect((await cli.run('events --types=Bad')).err).toContain(
      'valid --types are Normal or Warning, found "bad"',
    );
  });

  it('shows each new one while watching', async () => {
    const cli = await createEvents();
    const running = cli.start('events -w --types Warning');
    await settle();
    await cli.api.events.create(event('three', { type: 'Warning', reason: 'Degraded' }));
    await settle();
    running.interrupt();
    const { code, out } = await running.done;
    expect(code).toBe(130);
    expect(out).toMatch(/Failed[\s\S]*Degraded/);
    expect(out).not.toContain('Normal');
  });

  it('shows who owns which field on demand only', async () => {
    const cli = createCli();
    await cli.api.bastions.create(sample(), { fieldManager: 'me' });
    for (const format of ['yaml', 'json']) {
      expect((await cli.run(`get bst -o ${format}`)).out).not.toContain('managedFields');
      expect((await cli.run(`get bst orders -o ${format} --show-managed-fields`)).out).toContain(
        'managedFields',
      );
    }
    expect((await cli.run(['get', 'bst', '-o', 'jsonpath={..manager}'])).out).toBe('me');
  });
});
