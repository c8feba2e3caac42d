import { describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { done, failed } from './kubectl.ts';
import { BASTION, BASTIONS, labelled, make, named } from './manifests.ts';

const bed = useBed();
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

describe('apply', () => {
  test('creates, then has nothing to do, then changes', async () => {
    const { run } = bed().place();
    expect(await run('apply -f -', { stdin: named('orders') })).toEqual(done(`${BASTION}/orders created`));
    expect(await run('apply -f -', { stdin: named('orders') })).toEqual(done(`${BASTION}/orders unchanged`));
    expect(await run('apply -f -', { stdin: named('orders', { ttl: '5h' }) })).toEqual(
      done(`${BASTION}/orders configured`),
    );
    expect((await run("get bastion orders -o jsonpath='{.spec.ttl} {.metadata.generation}'")).stdout).toBe(
      '5h 2',
    );
  });

  test('has nothing to do where defaults were filled into items of lists', async () => {
    const { run } = bed().place();
    const manifest = named('orders', {
      targets: [{ name: 'db', host: 'db.example.com', port: 5432 }],
      schedule: { cron: '0 9 * * 1-5' },
      access: { transport: 'HybridActivation', activation: {} },
    });
    await run('apply -f -', { stdin: manifest });
    expect(await run('apply -f -', { stdin: manifest })).toEqual(done(`${BASTION}/orders unchanged`));
  });

  test('leaves the resourceVersion alone where it changed nothing', async () => {
    const { run } = bed().place();
    const version = async () =>
      (await run("get bastion orders -o jsonpath='{.metadata.resourceVersion}'")).stdout;
    await run('apply -f -', { stdin: named('orders') });
    const before = await version();
    await run('apply -f -', { stdin: named('orders') });
    expect(await version()).toBe(before);
  });

  test('removes what a manifest no longer says', async () => {
    const { run } = bed().place();
    await run('apply -f -', { stdin: named('orders', { reason: 'INC-1' }, { labels: { team: 'a' } }) });
    expect(await run('apply -f -', { stdin: named('orders') })).toEqual(done(`${BASTION}/orders configured`));
    expect((await run("get bastion orders -o jsonpath='{.spec.reason}{.metadata.labels}'")).stdout).toBe('');
  });

  test('keeps what others have added', async () => {
    const { run } = bed().place();
    await run('apply -f -', { stdin: named('orders') });
    await run('label bastion orders team=b');
    await run('apply -f -', { stdin: named('orders', { ttl: '5h' }) });
    expect((await run("get bastion orders -o jsonpath='{.metadata.labels.team}'")).stdout).toBe('b');
  });

  test('warns of an object that it did not make', async () => {
    const { run, namespace } = bed().place();
    await make(bed().api, namespace);
    const { code, stdout, stderr } = await run('apply -f -', { stdin: named('orders') });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${BASTION}/orders configured\n` });
    expect(stderr).toMatch(
      new RegExp(
        `^Warning: resource bastions/orders is missing the ${LAST_APPLIED} annotation which is required by`,
      ),
    );
  });

  test('applies a folder', async () => {
    const { run, file } = bed().place();
    await file('folder/a.yaml', named('a'));
    await file('folder/b.json', named('b'));
    await file('folder/readme.txt', 'not a manifest');
    expect(await run('apply -f folder')).toEqual(done(`${BASTION}/a created\n${BASTION}/b created`));
  });

  test('applies a kustomization', async () => {
    const { run, file } = bed().place();
    await file('kustom/orders.yaml', named('orders'));
    await file('kustom/kustomization.yaml', { namePrefix: 'stage-', resources: ['orders.yaml'] });
    expect(await run('apply -k kustom')).toEqual(done(`${BASTION}/stage-orders created`));
  });

  test('says which are invalid and applies the rest', async () => {
    const { run } = bed().place();
    const stdin = [named('a'), named('b', { ttl: '1m' }), named('c')]
      .map((item) => JSON.stringify(item))
      .join('\n');
    expect(await run('apply -f -', { stdin })).toEqual(
      failed(
        'The Bastion "b" is invalid: spec.ttl: found "1m", allowed: from 5m to 168h',
        1,
        `${BASTION}/a created\n${BASTION}/c created`,
      ),
    );
  });

  test('refuses a change that would be invalid and keeps the old one', async () => {
    const { run } = bed().place();
    await run('apply -f -', { stdin: named('orders') });
    const { code, stderr } = await run('apply -f -', { stdin: named('orders', { ttl: '1m' }) });
    expect(code).toBe(1);
    expect(stderr).toContain(
      'The Bastion "orders" is invalid: spec.ttl: found "1m", allowed: from 5m to 168h',
    );
    expect((await run("get bastion orders -o jsonpath='{.spec.ttl}'")).stdout).toBe('4h');
  });

  test('refuses a field that nobody may change', async () => {
    const { run } = bed().place();
    await run('apply -f -', { stdin: named('orders', { region: 'eu-west-1' }) });
    const { code, stderr } = await run('apply -f -', { stdin: named('orders', { region: 'eu-west-3' }) });
    expect(code).toBe(1);
    expect(stderr).toContain('spec.region: found another region than before');
  });

  test('refuses an unknown field of an object that is there', async () => {
    const { run } = bed().place();
    await run('apply -f -', { stdin: named('orders') });
    const { code, stderr } = await run('apply -f -', { stdin: named('orders', { ttlSeconds: 5 }) });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error from server \(BadRequest\): error when applying patch:\n/);
    expect(stderr).toContain('strict decoding error: unknown field "spec.ttlSeconds"');
  });

  test('refuses a manifest of an older state', async () => {
    const { run } = bed().place();
    await run('apply -f -', { stdin: named('orders') });
    const stale = (await run("get bastion orders -o jsonpath='{.metadata.resourceVersion}'")).stdout;
    await run('apply -f -', { stdin: named('orders', { ttl: '5h' }) });
    const { code, stderr } = await run('apply -f -', {
      stdin: named('orders', { ttl: '6h' }, { resourceVersion: stale }),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error from server \(Conflict\): error when applying patch:\n/);
    expect(stderr).toContain(
      `Operation cannot be fulfilled on ${BASTIONS} "orders": the object has been modified; please apply your changes to the latest version and try again\n`,
    );
  });

  test('is tried by the server and by the client', async () => {
    const { run } = bed().place();
    for (const [mode, words] of [
      ['server', 'server dry run'],
      ['client', 'dry run'],
    ]) {
      expect(await run(`apply --dry-run=${mode} -f -`, { stdin: named('orders') })).toEqual(
        done(`${BASTION}/orders created (${words})`),
      );
    }
    await run('apply -f -', { stdin: named('orders') });
    expect(await run('apply --dry-run=server -f -', { stdin: named('orders', { ttl: '5h' }) })).toEqual(
      done(`${BASTION}/orders configured (server dry run)`),
    );
    expect(await run('apply --dry-run=server -f -', { stdin: named('orders') })).toEqual(
      done(`${BASTION}/orders unchanged (server dry run)`),
    );
    expect((await run("get bastion orders -o jsonpath='{.spec.ttl}'")).stdout).toBe('4h');
  });

  test('shows what it applied last', async () => {
    const { run } = bed().place();
    await run('apply -f -', { stdin: named('orders') });
    const { code, stdout } = await run('apply view-last-applied bastion orders -o json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).spec).toEqual(named('orders').spec);
  });
});

describe('apply --prune', () => {
  test('deletes what no manifest names any more', async () => {
    const { run } = bed().place();
    const stdin = (names: string[]) =>
      names.map((name) => JSON.stringify(labelled(name, { set: 'x' }))).join('\n');
    const apply = 'apply --prune -l set=x --prune-allowlist=bastion-operator.dev/v1alpha1/Bastion -f -';
    await run('apply -f -', { stdin: named('apart') });
    expect(await run(apply, { stdin: stdin(['a', 'b']) })).toEqual(
      done(`${BASTION}/a created\n${BASTION}/b created`),
    );
    expect(await run(`${apply} --dry-run=server`, { stdin: stdin(['b']) })).toEqual(
      done(`${BASTION}/b unchanged (server dry run)\n${BASTION}/a pruned (server dry run)`),
    );
    expect(await run(apply, { stdin: stdin(['b']) })).toEqual(
      done(`${BASTION}/b unchanged\n${BASTION}/a pruned`),
    );
    expect(await run('wait --for=delete bastion/a --timeout=40s')).toMatchObject({ code: 0 });
    expect(await run('get bastions -o name')).toEqual(done(`${BASTION}/apart\n${BASTION}/b`));
  });
});
