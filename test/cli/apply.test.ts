import { describe, expect, it } from 'vitest';
import { ANNOTATION, createCli, manifestText } from './fixture.ts';

describe('apply', () => {
  it('creates, configures and leaves unchanged, in the words of kubectl', async () => {
    const cli = createCli();
    cli.files.set('orders.yaml', manifestText());
    expect(await cli.run('apply -f orders.yaml')).toEqual({
      code: 0,
      out: 'bastion.bastion-operator.dev/orders created\n',
      err: '',
    });
    expect((await cli.run('apply -f orders.yaml')).out).toBe(
      'bastion.bastion-operator.dev/orders unchanged\n',
    );
    cli.files.set('orders.yaml', manifestText('orders', 'ttl: 5h'));
    expect((await cli.run('apply -f orders.yaml')).out).toBe(
      'bastion.bastion-operator.dev/orders configured\n',
    );
    expect((await cli.api.bastions.get('default', 'orders')).spec.ttl).toBe('5h');
    expect(cli.world.open).toBe(0);
  });

  it('writes the annotation letter by letter as kubectl does', async () => {
    const cli = createCli();
    cli.files.set('orders.yaml', manifestText('orders', 'ttl: 4h\n  reason: "a<b & c"'));
    await cli.run('apply -f orders.yaml');
    const { annotations } = (await cli.api.bastions.get('default', 'orders')).metadata;
    expect(annotations?.[ANNOTATION.lastApplied]).toBe(
      '{"apiVersion":"bastion-operator.dev/v1alpha1","kind":"Bastion","metadata":{"annotations":{},"name":"orders",' +
        '"namespace":"default"},"spec":{"network":{"subnetIds":["subnet-0a1b2c3d4e5f60718"],' +
        '"vpcId":"vpc-0a1b2c3d4e5f60718"},"reason":"a\\u003cb \\u0026 c","ttl":"4h"}}\n',
    );
  });

  it('removes what the manifest no longer says and keeps what others added', async () => {
    const cli = createCli();
    cli.files.set(
      'orders.yaml',
      manifestText('orders', 'ttl: 4h\n  reason: INC-1', '  labels: { team: payments }\n'),
    );
    await cli.run('apply -f orders.yaml');
    await cli.api.bastions.patch('default', 'orders', {
      metadata: { labels: { by: 'hand' } },
      spec: { tags: { a: 'b' } },
    });
    cli.files.set('orders.yaml', manifestText('orders', 'ttl: 4h', '  labels: { app: db }\n'));
    await cli.run('apply -f orders.yaml');
    const { metadata, spec } = await cli.api.bastions.get('default', 'orders');
    expect(spec.reason).toBeUndefined();
    expect(spec.tags).toEqual({ a: 'b' });
    expect(metadata.labels).toEqual({ app: 'db', by: 'hand' });
  });

  it('handles every document even when others are bad, and says where each error stands', async () => {
    const cli = createCli();
    const bad = manifestText('bad', 'ttl: 1m\n  colour: red');
    cli.files.set('all.yaml', [manifestText(), bad, 'a: [\n', manifestText('reports')].join('---\n'));
    const { code, out, err } = await cli.run('apply -f all.yaml -f missing.yaml');
    expect(code).toBe(1);
    expect(out).toBe(
      'bastion.bastion-operator.dev/orders created\nbastion.bastion-operator.dev/reports created\n',
    );
    expect(err).toContain('error: the path "missing.yaml" does not exist\n');
    expect(err).toContain('all.yaml:9: document 2: spec.ttl: found "1m", allowed: from 5m to 168h\n');
    expect(err).toMatch(/all\.yaml:9: document 2: spec\.colour: unknown field/);
    expect(err).toMatch(/all\.yaml:\d+: document 3: not YAML: /);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('reads stdin, and directories with their folders only under -R', async () => {
    const cli = createCli();
    expect((await cli.run('apply -f -', { stdin: manifestText('typed') })).out).toContain('/typed created');
    cli.files.set('dir/a.yaml', manifestText('a'));
    cli.files.set('dir/README.md', 'no manifest');
    cli.files.set('dir/deep/b.yml', manifestText('b'));
    expect((await cli.run('apply -f dir')).out).toBe('bastion.bastion-operator.dev/a created\n');
    expect((await cli.run('apply -R -f dir')).out).toBe(
      'bastion.bastion-operator.dev/a unchanged\nbastion.bastion-operator.dev/b created\n',
    );
  });

  it('takes the files of a shell pattern', async () => {
    const cli = createCli();
    cli.files.set('a.yaml', manifestText('a'));
    cli.files.set('b.yaml', manifestText('b'));
    expect((await cli.run('apply -f a.yaml b.yaml -o name')).out.split('\n')).toHaveLength(3);
    expect((await cli.run('apply -f a.yaml,b.yaml')).out.match(/unchanged/g)).toHaveLength(2);
  });

  it('changes nothing in a dry run', async () => {
    const cli = createCli();
    cli.files.set('orders.yaml', manifestText());
    expect((await cli.run('apply --dry-run -f orders.yaml')).out).toBe(
      'bastion.bastion-operator.dev/orders created (dry run)\n',
    );
    expect((await cli.run('apply --dry-run=server -f orders.yaml')).out).toBe(
      'bastion.bastion-operator.dev/orders created (server dry run)\n',
    );
    expect((await cli.api.bastions.list()).items).toEqual([]);
    await cli.run('apply -f orders.yaml');
    expect((await cli.run('apply --dry-run=server -f orders.yaml')).out).toContain(
      'unchanged (server dry run)',
    );
    cli.files.set('orders.yaml', manifestText('orders', 'ttl: 6h'));
    expect((await cli.run('apply --dry-run=server -f orders.yaml')).out).toContain(
      'configured (server dry run)',
    );
    expect((await cli.run('apply --dry-run=maybe -f orders.yaml')).code).toBe(1);
  });

  it('prints names, or objects that can be applied again', async () => {
    const cli = createCli();
    cli.files.set('two.yaml', `${manifestText()}---\n${manifestText('reports')}`);
    expect((await cli.run('apply -f two.yaml -o name')).out).toBe(
      'bastion.bastion-operator.dev/orders\nbastion.bastion-operator.dev/reports\n',
    );
    const { out } = await cli.run('apply -f two.yaml -o yaml');
    expect(out).toMatch(/^apiVersion: v1\nitems:\n/);
    expect((await cli.run('apply -f -', { stdin: out })).code).toBe(0);
  });

  it('warns of an object that was made by other means, or comes from git', async () => {
    const cli = createCli();
    cli.files.set('orders.yaml', manifestText());
    await cli.run('apply -f orders.yaml');
    const annotations = {
      [ANNOTATION.lastApplied]: null,
      [ANNOTATION.source]: 'https://git/infra#main:bastions',
    };
    await cli.api.bastions.patch('default', 'orders', { metadata: { annotations } });
    const { code, err } = await cli.run('apply -f orders.yaml');
    expect(code).toBe(0);
    expect(err).toContain(
      'Warning: resource bastions/orders is missing the kubectl.kubernetes.io/last-applied',
    );
    expect(err).toContain(
      'Warning: bastions/orders comes from https://git/infra#main:bastions; change it there',
    );
  });

  it('says that what suspends a Bastion from git lasts', async () => {
    const cli = createCli();
    cli.files.set('orders.yaml', manifestText());
    await cli.run('apply -f orders.yaml');
    const annotations = { [ANNOTATION.source]: 'https://git/infra#main', [ANNOTATION.sourcePath]: 'a.yaml' };
    await cli.sourceApi.bastions.patch('default', 'orders', { metadata: { annotations } });
    cli.files.set('orders.yaml', manifestText('orders', 'ttl: 4h\n  suspend: true'));
    expect((await cli.run('apply -f orders.yaml')).err).toContain(
      'comes from https://git/infra#main (a.yaml) and stays suspended until it is resumed or changed there.',
    );
  });

  it('refuses a namespace that is not the manifest’s own', async () => {
    const cli = createCli();
    cli.files.set('orders.yaml', manifestText('orders', 'ttl: 4h', '  namespace: team-a\n'));
    const { code, err } = await cli.run('-n team-b apply -f orders.yaml');
    expect(code).toBe(1);
    expect(err).toContain(
      'the namespace from the provided object "team-a" does not match the namespace "team-b"',
    );
    expect((await cli.run('apply -n team-a -f orders.yaml')).code).toBe(0);
  });

  it('merges into one that somebody else creates at the same moment', async () => {
    const cli = createCli();
    cli.files.set('orders.yaml', manifestText());
    cli.files.set('other.yaml', manifestText('orders', 'ttl: 8h'));
    cli.interpose(() => cli.run('apply -f other.yaml'));
    expect((await cli.run('apply -f orders.yaml')).out).toContain('configured');
    expect((await cli.api.bastions.get('default', 'orders')).spec.ttl).toBe('4h');
  });

  it('asks for a file', async () => {
    const { code, err } = await createCli().run('apply');
    expect(code).toBe(1);
    expect(err).toBe('error: must specify -f FILE\nhint: for example: bastionctl apply -f bastion.yaml\n');
  });
});

describe('validate', () => {
  it('needs no connection and names each valid manifest', async () => {
    const cli = createCli();
    cli.files.set('orders.yaml', manifestText());
    expect(await cli.run('validate -f orders.yaml')).toEqual({
      code: 0,
      out: 'orders.yaml: bastion/orders is valid\n',
      err: '',
    });
    expect(cli.connections).toEqual([]);
  });

  it('lists every error of every file', async () => {
    const cli = createCli();
    cli.files.set(
      'a.yaml',
      manifestText('a', 'ttl: 1m\n  region: moon').replace('kind: Bastion', 'kind: BastionSpec'),
    );
    cli.files.set('b.yaml', manifestText('b'));
    cli.files.set('c.yaml', manifestText('b'));
    cli.files.set('empty.yaml', '# nothing\n');
    const { code, out, err } = await cli.run('validate -f a.yaml b.yaml c.yaml empty.yaml');
    expect(code).toBe(1);
    expect(out).toBe('b.yaml: bastion/b is valid\n');
    expect(err).toContain('error: empty.yaml holds no manifest\n');
    expect(err).toContain('a.yaml:1: kind: found "BastionSpec", did you mean kind: Bastion?');
    expect(err).toContain('a.yaml:1: spec.ttl: ');
    expect(err).toContain('a.yaml:1: spec.region: ');
    expect(err).toContain('c.yaml:1: metadata.name: bastion/b in namespace default is also at b.yaml:1\n');
  });
});
