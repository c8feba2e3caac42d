import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlanPreview } from '../../controller/cli/connection.ts';
import { build, ROOT } from '../e2e/build.ts';
import { useBed, writeKubeconfig } from './bed.ts';
import { createKubectl, done, failed, type Kubectl, refused } from './kubectl.ts';
import { BASTION, BASTIONS, make, named, ready } from './manifests.ts';

/** Nothing to do, but for one Bastion that cannot be served. */
const bed = useBed({
  preview: async (bastions = []): Promise<PlanPreview> => ({
    regions: [
      {
        ...{ accountId: '123456789012', region: 'eu-west-1', steps: [], failures: [] },
        problems: bastions.map(({ metadata: { namespace, name } }) => ({
          ...{ bastion: `${namespace}/${name}`, reason: 'NoSubnet', message: 'its subnet does not exist' },
        })),
      },
    ],
  }),
});

let folder: string;

/** The programs as they are installed: by their names on the PATH. */
beforeAll(async () => {
  await build();
  folder = await mkdtemp(join(tmpdir(), 'bastion-kubectl-bin-'));
  for (const name of ['bastionctl', 'kubectl-bastion']) {
    const program = join(ROOT, 'dist', `${name}.js`);
    const script = `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`;
    await writeFile(join(folder, name), script, { mode: 0o755 });
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function person(namespace = 'default'): Promise<Kubectl & { home: string }> {
  const home = await mkdtemp(join(folder, 'home-'));
  await writeKubeconfig(home, { server: bed().url }, {}, namespace);
  return { ...createKubectl({ folder: home, path: folder }), home };
}

describe('kubectl bastion', () => {
  test('is found as a plugin', async () => {
    const { run } = await person();
    const { code, stdout } = await run('plugin list');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toContain(`${folder}/kubectl-bastion`);
  });

  test('plans with what the server sees', async () => {
    const { run } = await person();
    const { code, stdout } = await run('bastion plan');
    expect({ code, stdout: stdout.split('\n')[0] }).toEqual({
      code: 0,
      stdout: 'No changes. AWS has what the Bastions need.',
    });
  });

  test('plans for manifests that are not applied yet', async () => {
    const { run, file } = await person('planned');
    const path = await file('orders.yaml', named('orders'));
    const { code, stdout } = await run(`bastion plan -f ${path}`);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^eu-west-1:$/m);
    expect(stdout).toMatch(/bastion planned\/orders: NoSubnet: its subnet does not exist$/m);
    expect(await run('get bastions')).toEqual(done('', 'No resources found in planned namespace.'));
  });

  test('renews in the namespace of the context', async () => {
    const { run } = await person('renewed');
    const orders = await make(bed().api, 'renewed');
    await bed().seed(orders, ready(600_000));
    const { code, stdout } = await run('bastion renew orders --dry-run=server');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^bastion\.bastion-operator\.dev\/orders renewed \(server dry run\)\nwould expire at \S+Z \(in (4h|3h59m)\) at the latest\n$/,
    );
    const renewing = run('bastion renew orders --timeout=1s');
    // Nobody answers here, and it says so.
    expect(await renewing).toMatchObject({ code: 1, stdout: `${BASTION}/orders renewed\n` });
    const { metadata } = await bed().api.bastions.get('renewed', 'orders');
    expect(metadata.annotations?.['bastion-operator.dev/renewed-at']).toMatch(/^20\d\d-/);
  });

  test('says what it has not found', async () => {
    const { run } = await person();
    const { stderr, ...rest } = await run('bastion renew nope');
    expect(rest).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `${refused('NotFound', `${BASTIONS} "nope" not found`).stderr}hint: list what exists with: kubectl bastion get bastions -A\n`,
    );
  });

  test('shows the very table that kubectl shows', async () => {
    const { run } = await person('same');
    await make(
      bed().api,
      'same',
      named('a', { targets: [{ name: 'db', host: 'db.example.com', port: 5432 }] }),
    );
    const stored = await make(bed().api, 'same', named('b'));
    await bed().seed(stored, ready(3_600_000), 3 * 3_600_000);
    const words = ({ stdout }: { stdout: string }) =>
      stdout.split('\n').map((line) => line.trim().split(/ {2,}/).slice(0, 4));
    expect(words(await run('bastion get bastions'))).toEqual(words(await run('get bastions')));
  });

  test('does not know a verb', async () => {
    const { run } = await person();
    expect(await run('bastion conect orders')).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('bastionctl kubeconfig', () => {
  test('writes the context that kubectl then uses', async () => {
    const { run, home } = await person();
    await make(bed().api, 'configured');
    const env = { KUBECONFIG: join(home, 'new', 'config'), HOME: home, BASTION_SERVER: bed().url };
    const write = 'bastionctl kubeconfig --set-current -n configured';
    expect(
      await createKubectl({ folder: home, path: folder, program: 'sh' }).run(`-c '${write}'`, { env }),
    ).toEqual(
      done(
        `context "bastion" for ${bed().url} is written to ${join(home, 'new', 'config')}`,
        'Try: kubectl get bastions',
      ),
    );
    expect(await run('get bastions -o name', { env })).toEqual(done(`${BASTION}/orders`));
    expect(await run('config current-context', { env })).toEqual(done('bastion'));
    expect(await run("config view --minify -o jsonpath='{..namespace}'", { env })).toMatchObject({
      stdout: 'configured',
    });
  });

  test('leaves what else is in it alone', async () => {
    const { run, home } = await person();
    const before = await readFile(join(home, 'config'), 'utf8');
    const write = `bastionctl kubeconfig --server ${bed().url} --context-name more`;
    const { code } = await createKubectl({ folder: home, path: folder, program: 'sh' }).run(`-c '${write}'`);
    expect(code).toBe(0);
    expect(await run('config get-contexts -o name')).toEqual(done('bastions\nmore'));
    expect(await run('config current-context')).toEqual(done('bastions'));
    expect(await run('get bastions -n nobody --context more')).toEqual(
      done('', 'No resources found in nobody namespace.'),
    );
    expect(JSON.parse(before)['current-context']).toBe('bastions');
  });

  test('says what is no server', async () => {
    const { home } = await person();
    const write = 'bastionctl kubeconfig --server nonsense';
    expect(await createKubectl({ folder: home, path: folder, program: 'sh' }).run(`-c '${write}'`)).toEqual(
      failed('error: server: found "nonsense", allowed: a URL such as http://127.0.0.1:8088'),
    );
  });
});

describe('bastionctl proxy', () => {
  test('serves kubectl straight from the store', async () => {
    const { home } = await person();
    const data = `--data-dir ${join(home, 'data')}`;
    const shell = createKubectl({ folder: home, path: folder, program: 'sh' });
    const proxy = shell.follow(`-c 'exec bastionctl proxy --port 0 ${data}'`);
    await proxy.shows('Starting to serve on ');
    const url = /Starting to serve on (\S+)/.exec(proxy.stdout())?.[1];
    const { run } = createKubectl({ folder: home, path: folder });
    expect(await run(`create -f - -s ${url}`, { stdin: named('orders') })).toEqual(
      done(`${BASTION}/orders created`),
    );
    expect(await run(`get bastions -o name -s ${url}`)).toEqual(done(`${BASTION}/orders`));
    await proxy.stop();
    expect((await proxy.ended()).code).toBe(0);
  });
});
