import { describe, expect, it } from 'vitest';
import { explain } from '../../controller/cli/explain.ts';
import { ANNOTATION, createCli, event, readyStatus, sample } from './fixture.ts';

const SPEC = {
  reason: 'INC-1234',
  region: 'ap-northeast-1',
  targets: [
    { name: 'orders', host: 'orders.example.com', port: 5432, securityGroupId: 'sg-0a1b2c3d' },
    { name: 'replica', host: 'replica.example.com', port: 5432 },
    { name: 'web', host: '10.0.0.7', port: 443 },
  ],
};

async function createReady() {
  const cli = createCli();
  const annotations = {
    [ANNOTATION.source]: 'https://git.example.com/infra#main:bastions',
    [ANNOTATION.sourceCommit]: '4f2a',
    [ANNOTATION.sourceAuthor]: 'Mika <mika@example.com>',
    [ANNOTATION.sourcePath]: 'bastions/orders.yaml',
    [ANNOTATION.lastApplied]: '{}',
    note: 'for the audit',
  };
  await cli.sourceApi.bastions.create(sample(SPEC, { labels: { team: 'payments' }, annotations }));
  await cli.setStatus(
    readyStatus({
      networkPath: 'Endpoints',
      resources: [
        { kind: 'vpc-endpoint', key: 'vpc-endpoint/vpc-1/logs', id: 'vpce-1', state: 'Ready', shared: true },
        { kind: 'task', key: 'task/default/orders', state: 'Pending', message: 'not ready yet' },
      ],
    }),
  );
  await cli.api.events.create(event('one'));
  await cli.clock.advance(60_000);
  return cli;
}

describe('describe', () => {
  it('tells since when nobody has used one with idleTimeout, and that this ended it', async () => {
    const cli = createCli();
    await cli.api.bastions.create(sample({ idleTimeout: '30m' }));
    const since = '2026-11-23T09:00:00Z';
    await cli.setStatus(readyStatus({ idle: { since } }));
    await cli.clock.advance(1_800_000);
    const open = (await cli.run('describe bastion orders')).out;
    expect(open).toContain('  Idle timeout:   30m\n');
    expect(open).toContain(`  Idle since:     ${since} (30m ago)\n`);
    await cli.setStatus(readyStatus({ phase: 'Expired', idle: { since, endedAt: '2026-11-23T09:30:00Z' } }));
    expect((await cli.run('describe bastion orders')).out).toContain(`${since} (30m ago), which ended it\n`);
  });

  it('tells where a database is that a target names, as which one, and why not more is known', async () => {
    const cli = createCli();
    const orders = { name: 'orders', rds: { dbInstanceIdentifier: 'orders' } };
    const users = { name: 'users', rds: { dbClusterIdentifier: 'users', endpoint: 'Reader' as const } };
    await cli.api.bastions.create(sample({ targets: [orders, users] }));
    const unknown = (await cli.run('describe bastion orders')).out;
    expect(unknown).toMatch(
      / {2}orders +<unknown> +<none> +rds:orders\n {2}users +<unknown> +<none> +rds:users \(reader\)\n/,
    );
    const known = { name: 'orders', host: 'orders.example', port: 5432, database: 'rds-instance/orders' };
    await cli.setStatus(
      readyStatus({ targets: [{ ...known, securityGroupId: 'sg-0a1b2c3d', message: 'last known address' }] }),
    );
    const { out } = await cli.run('describe bastion orders');
    expect(out).toMatch(/ {2}orders +orders\.example:5432 +sg-0a1b2c3d +rds:orders\n/);
    expect(out).toContain('  orders: last known address\n');
  });

  it('tells everything about a Bastion, section by section', async () => {
    const { code, out } = await (await createReady()).run('describe bastion orders');
    expect(code).toBe(0);
    const expected = [
      'Name:             orders\nNamespace:        default\n',
      'Labels:           team=payments\nAnnotations:      note=for the audit\n',
      'Created:          2026-11-23T09:00:00Z (60s ago)\n',
      'Spec:\n  TTL:            4h\n  Reason:         INC-1234\n  Transport:      EcsExec\n',
      '  Network path:   Auto\n',
      'Status:\n  Phase:          Ready\n',
      '  Expires:        2026-11-23T13:00:00Z (in 3h59m)\n',
      '  Network path:   Endpoints (chosen by Auto)\n',
      'Source:\n  Git:            https://git.example.com/infra#main:bastions\n',
      '  Author:         Mika <mika@example.com>\n',
    ];
    for (const text of expected) expect(out).toContain(text);
    expect(out).not.toContain('last-applied');
    expect(out).toMatch(
      /Targets:\n {2}Name +Address +Opened on\n.*\n {2}orders +orders\.example\.com:5432 +sg-0a1b2c3d\n/,
    );
    expect(out).toMatch(
      /Conditions:\n {2}Type +Status +Reason +Age +Message\n.*\n {2}Ready +True +Ready +60s +open\n/,
    );
    expect(out).toMatch(
      / {2}vpc-endpoint\/vpc-1\/logs +Ready +shared +vpce-1\n {2}task\/default\/orders +Pending +own +<none> +not ready yet\n/,
    );
    expect(out).toMatch(
      /Events:\n {2}Type +Reason +Age +From +Message\n.*\n {2}Normal +Ready +60s +The bastion is ready\.\n$/,
    );
  });

  it('shows how to connect, with a local port of its own for each target', async () => {
    const { out } = await (await createReady()).run('describe bastion/orders');
    const session = 'aws ssm start-session --target ecs:bastion-main_0123_0123-456 --region ap-northeast-1';
    const document = `${session} --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters`;
    expect(out).toContain('Connect:\n  with this program:\n    bastionctl connect orders --all\n  shell:\n');
    expect(out).toContain(`  shell:\n    ${session}\n  orders (localhost:5432):\n    ${document} `);
    expect(out).toContain(
      `'{"host":["replica.example.com"],"portNumber":["5432"],"localPortNumber":["15432"]}'\n`,
    );
    expect(out).toContain(`'{"host":["10.0.0.7"],"portNumber":["443"],"localPortNumber":["10443"]}'\n`);
  });

  it('offers no connection before there is one, and says who is to act', async () => {
    const cli = createCli();
    await cli.api.bastions.create(sample());
    const { out } = await cli.run('describe orders');
    expect(out).toContain('  Phase:          Pending (no controller has looked at it yet)\n');
    expect(out).toContain('Events:           <none>\n');
    expect(out).not.toContain('Connect:');
  });

  it('colours the phase on a terminal', async () => {
    const { out } = await (await createReady()).run('describe orders', { isTTY: true });
    expect(out).toContain('Phase:          \u001b[32mReady\u001b[39m\n');
  });

  it('describes all of them, and fails for one that does not exist', async () => {
    const cli = await createReady();
    await cli.api.bastions.create(sample({}, { name: 'reports' }));
    const { out } = await cli.run('describe bastions');
    expect(out.match(/^Name: .*/gm)).toEqual(['Name:             orders', 'Name:             reports']);
    expect(await cli.run('describe bastion x')).toMatchObject({ code: 1, out: '' });
    expect((await cli.run('describe bastion -n empty')).err).toBe('No resources found in empty namespace.\n');
  });
});

describe('explain', () => {
  it('describes the kind and each field from the schema', () => {
    expect(explain('bastion', false)).toMatch(
      /^GROUP: {6}bastion-operator\.dev\nKIND: {7}Bastion\nVERSION: {4}v1alpha1\n\nDESCRIPTION:\n {4}A time-boxed way/,
    );
    const path = explain('bastion.spec.network.path', false);
    expect(path).toContain('FIELD: path <string>\n');
    expect(path).toContain('Allowed: Auto, Endpoints, Nat\n    Default: "Auto"\n');
    expect(explain('bst.spec.targets[].name', false)).toContain('FIELD: name <string> -required-');
    expect(explain('bastion.spec.network', false)).toContain('  vpcId\t<string> -required-\n');
    expect(explain('bastion', true)).toContain('\n    targets\t<array>\n      name\t<string> -required-\n');
  });

  it.each([
    ['bastion.spec.network.foo', 'bastion.spec.network has the fields vpcId, subnetIds, path'],
    ['bastion.spec.netwrok.path', 'did you mean network?'],
    ['spec.ttl.x', 'bastion.spec.ttl has no fields'],
    ['zzz', 'bastion has the fields spec, status'],
  ])('answers %s with what there is at the level that exists', async (path, hint) => {
    expect((await createCli().run(`explain ${path}`)).err).toContain(`hint: ${hint}\n`);
  });

  it('suggests the field that was meant', async () => {
    const cli = createCli();
    expect(await cli.run('explain bastion.spec.netwrok')).toEqual({
      code: 1,
      out: '',
      err: 'error: field "bastion.spec.netwrok" does not exist\nhint: did you mean network?\n',
    });
  });
});
