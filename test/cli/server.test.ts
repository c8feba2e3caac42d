import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { createCli, manifestText, sample } from './fixture.ts';

const CONFIG = '/home/alice/.kube/config';

describe('bastionctl kubeconfig', () => {
  it('writes a context of its own where there is no configuration yet, and says how to use it', async () => {
    const cli = createCli();
    expect(await cli.run('kubeconfig')).toEqual({
      code: 0,
      out: `context "bastion" for http://127.0.0.1:8088 is written to ${CONFIG}\n`,
      err: 'Try: kubectl --context bastion get bastions\n',
    });
    expect(load(cli.files.get(CONFIG) ?? '')).toEqual({
      ...{ apiVersion: 'v1', kind: 'Config', preferences: {} },
      clusters: [{ cluster: { server: 'http://127.0.0.1:8088' }, name: 'bastion' }],
      contexts: [{ context: { cluster: 'bastion', user: 'bastion' }, name: 'bastion' }],
      users: [{ user: {}, name: 'bastion' }],
    });
  });

  it('keeps every other entry, and what a context of its name says beside', async () => {
    const cli = createCli();
    const other = `apiVersion: v1
kind: Config
current-context: prod
clusters: [{ name: prod, cluster: { server: 'https://prod', extra: 1 } }]
users: [{ name: prod, user: { exec: { command: login } } }]
contexts:
- { name: prod, context: { cluster: prod, user: prod } }
- { name: bastion, context: { cluster: old, user: old, namespace: team-a } }
unknown: kept
`;
    cli.files.set(CONFIG, other);
    await cli.run('kubeconfig --server https://bastion.example:8443');
    const { clusters, users, contexts, ...rest } = load(cli.files.get(CONFIG) ?? '') as Record<
      string,
      unknown[]
    >;
    expect(rest).toMatchObject({ 'current-context': 'prod', unknown: 'kept' });
    expect(clusters).toEqual([
      { name: 'prod', cluster: { server: 'https://prod', extra: 1 } },
      { name: 'bastion', cluster: { server: 'https://bastion.example:8443' } },
    ]);
    expect(users?.[0]).toEqual({ name: 'prod', user: { exec: { command: 'login' } } });
    const context = { cluster: 'bastion', user: 'bastion', namespace: 'team-a' };
    expect(contexts?.[1]).toEqual({ name: 'bastion', context });
    const once = cli.files.get(CONFIG);
    await cli.run('kubeconfig --server https://bastion.example:8443');
    expect(cli.files.get(CONFIG)).toBe(once);
  });

  it('makes it the current one where kubectl looks for that first', async () => {
    const cli = createCli();
    cli.world.kubeconfigFiles.splice(0, 1, '/first', '/second');
    cli.files.set('/first', 'current-context: prod\n');
    cli.files.set('/second', 'contexts: [{ name: bastion, context: { cluster: x, user: y } }]\n');
    const { err } = await cli.run('kubeconfig --set-current');
    expect(err).toBe('Try: kubectl get bastions\n');
    expect(load(cli.files.get('/first') ?? '')).toMatchObject({ 'current-context': 'bastion' });
    expect(load(cli.files.get('/second') ?? '')).toMatchObject({
      contexts: [{ context: { cluster: 'bastion' } }],
    });
    expect(cli.files.get('/second')).not.toContain('current-context');
  });

  it('writes to the first file that exists, or else to the last one, or to the one that is named', async () => {
    const cli = createCli();
    cli.world.kubeconfigFiles.splice(0, 1, '/first', '/second');
    await cli.run('kubeconfig');
    expect([...cli.files.keys()]).toEqual(['/second']);
    cli.files.clear();
    cli.files.set('/first', '');
    await cli.run('kubeconfig');
    expect([...cli.files.keys()]).toEqual(['/first']);
    await cli.run('kubeconfig --kubeconfig /named --context-name blue -n team-b');
    expect(load(cli.files.get('/named') ?? '')).toMatchObject({
      contexts: [{ name: 'blue', context: { cluster: 'blue', user: 'blue', namespace: 'team-b' } }],
    });
  });

  it('shows it and writes nothing when it is to print', async () => {
    const cli = createCli();
    const { out, err } = await cli.run('kubeconfig --print --set-current');
    expect(load(out)).toMatchObject({ 'current-context': 'bastion', clusters: [{ name: 'bastion' }] });
    expect(err).toBe('');
    expect(cli.files.size).toBe(0);
  });

  it('takes the token and the authority into it, and no token where kubectl would send none', async () => {
    const cli = createCli();
    cli.files.set('/token', '# ours\n\nsecret-1,alice\nsecret-2\n');
    cli.files.set('/ca.pem', 'PEM');
    const line = 'kubeconfig --print --token-file /token --certificate-authority /ca.pem --server';
    expect(load((await cli.run(`${line} https://x`)).out)).toMatchObject({
      clusters: [{ cluster: { 'certificate-authority-data': Buffer.from('PEM').toString('base64') } }],
      users: [{ user: { token: 'secret-1' } }],
    });
    expect(await cli.run(`${line} http://x`)).toMatchObject({
      ...{ code: 1, out: '' },
      err: 'error: kubectl sends a token over TLS only\nhint: name an https server, or leave --token-file out\n',
    });
    expect((await cli.run('kubeconfig --print --token-file /none')).err).toMatch(
      /^error: \/none cannot be read: ENOENT/,
    );
  });

  it('leaves a configuration alone that it cannot read', async () => {
    const cli = createCli();
    for (const text of ['a: [', '- a list\n']) {
      cli.files.set(CONFIG, text);
      const { code, err } = await cli.run('kubeconfig');
      expect(code).toBe(1);
      expect(err).toMatch(
        /^error: \/home\/alice\/.kube\/config is no (YAML|kubeconfig): .*\nhint: correct it, or/,
      );
      expect(cli.files.get(CONFIG)).toBe(text);
    }
  });
});

describe('bastionctl proxy', () => {
  it('serves until it is interrupted, and that is no failure', async () => {
    const cli = createCli();
    const proxy = cli.start('proxy --port 9001 --read-only --table bastions');
    await expect.poll(proxy.out).toBe('Starting to serve on http://127.0.0.1:9001\n');
    expect(proxy.err()).toContain('kubectl --server http://127.0.0.1:9001 get bastions\n');
    expect(cli.world).toMatchObject({
      ...{ serving: 1, open: 1 },
      served: [{ address: '127.0.0.1', port: 9001, isReadOnly: true }],
    });
    proxy.interrupt();
    expect((await proxy.done).code).toBe(0);
    expect(cli.world).toMatchObject({ serving: 0, open: 0 });
    expect(cli.connections[0]).toMatchObject({ table: 'bastions', mayCreate: true });
  });

  it('refuses what is no port', async () => {
    for (const port of ['http', '65536', '-1', '1.5']) {
      const { code, err } = await createCli().run(['proxy', `--port=${port}`]);
      expect(code).toBe(1);
      expect(err).toBe(`error: invalid --port "${port}", allowed: a number from 0 to 65535\n`);
    }
  });
});

describe('kubectl bastion', () => {
  const program = 'kubectl bastion';

  it('names itself as it is called, in its help, its errors and its hints', async () => {
    const cli = createCli();
    const { out } = await cli.run('--help', { program });
    expect(out).toContain('Usage: kubectl bastion [options]');
    expect(out).toContain('kubectl bastion renew orders');
    expect(out).not.toContain('bastionctl');
    for (const absent of ['proxy', 'kubeconfig', '--data-dir', '--table']) {
      expect(out).not.toMatch(new RegExp(`^  ${absent} `, 'm'));
    }
    expect((await cli.run('get bastion nope', { program })).err).toBe(
      'Error from server (NotFound): bastions.bastion-operator.dev "nope" not found\n' +
        'hint: list what exists with: kubectl bastion get bastions -A\n',
    );
    expect((await cli.run('renew', { program })).err).toContain("see 'kubectl bastion --help'");
  });

  it('works in the namespace of the context, unless another is named', async () => {
    const cli = createCli();
    cli.world.namespace = 'team-a';
    await cli.api.bastions.create(sample({}, { namespace: 'team-a' }));
    const name = 'bastion.bastion-operator.dev/orders\n';
    expect((await cli.run('get -o name', { program })).out).toBe(name);
    expect((await cli.run('get -o name -n default', { program })).out).toBe('');
    expect((await cli.run('suspend orders', { program })).out).toBe(
      'bastion.bastion-operator.dev/orders suspended\n',
    );
    cli.files.set('new.yaml', manifestText('new'));
    cli.files.set('other.yaml', manifestText('other', 'ttl: 4h', '  namespace: team-b\n'));
    await cli.run('apply -f new.yaml -f other.yaml', { program });
    const { items } = await cli.api.bastions.list();
    expect(items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort()).toEqual([
      ...['team-a/new', 'team-a/orders', 'team-b/other'],
    ]);
    expect((await cli.run('get guards', { program })).err).toContain('in bastion-system namespace');
  });

  it('passes on which context is meant', async () => {
    const cli = createCli();
    await cli.run('get --context blue --kubeconfig /config -s https://x', { program });
    expect(cli.connections[0]).toMatchObject({ context: 'blue', kubeconfig: '/config', server: 'https://x' });
  });
});
