import { describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { kubectlMinor } from './binary.ts';
import { cells, done, failed } from './kubectl.ts';
import { BASTION, guard, make, named } from './manifests.ts';

const bed = useBed();

describe('everyday work', () => {
  test('what was read can be applied and replaced as it is', async () => {
    const { run, namespace } = bed().place();
    await make(bed().api, namespace);
    const { stdout } = await run('get bastion orders -o yaml');
    expect(await run('replace -f -', { stdin: stdout })).toEqual(done(`${BASTION}/orders replaced`));
    expect((await run('apply -f -', { stdin: stdout })).stdout).toBe(`${BASTION}/orders configured\n`);
    expect(await run('diff -f -', { stdin: stdout })).toMatchObject({ stderr: '' });
  });

  test('a copy is made under another name', async () => {
    const { run } = bed().place();
    await run('create --save-config -f -', { stdin: named('orders') });
    const { stdout } = await run('get bastion orders -o json');
    const { spec } = JSON.parse(stdout);
    expect(await run('create -f -', { stdin: { ...named('copy'), spec } })).toEqual(
      done(`${BASTION}/copy created`),
    );
    expect(await run('apply -f -', { stdin: named('orders') })).toEqual(done(`${BASTION}/orders unchanged`));
  });

  test('a bastion is suspended and resumed with a patch', async () => {
    const { run, file, namespace } = bed().place();
    await make(bed().api, namespace);
    const patch = await file(`${namespace}/suspend.yaml`, 'spec:\n  suspend: true\n');
    expect(await run(`patch bastion orders --type=merge --patch-file=${patch}`)).toEqual(
      done(`${BASTION}/orders patched`),
    );
    expect((await run("get bastion orders -o jsonpath='{.spec.suspend}'")).stdout).toBe('true');
  });

  test('a guard is confirmed with an annotation', async () => {
    const { run } = bed().place();
    await run('create -f -', { stdin: guard('eu-west-1') });
    expect(cells(await run('get guards'))).toEqual([
      ['NAME', 'TRIPPED', 'REASON', 'SINCE', 'MESSAGE'],
      ['eu-west-1', '<none>', '<none>', '<unknown>', '<none>'],
    ]);
    expect(await run('annotate guard eu-west-1 bastion-operator.dev/confirm=abc')).toEqual(
      done('guard.bastion-operator.dev/eu-west-1 annotated'),
    );
    expect(await run('annotate guard eu-west-1 --list')).toEqual(done('bastion-operator.dev/confirm=abc'));
    const { code } = await run('delete guard eu-west-1');
    expect(code).toBe(0);
  });

  test('labels are listed', async () => {
    const { run, namespace } = bed().place();
    await make(bed().api, namespace, named('orders', {}, { labels: { team: 'a', tier: 'db' } }));
    const { stdout } = await run('label bastion orders --list');
    // In no order.
    expect(stdout.trim().split('\n').toSorted()).toEqual(['team=a', 'tier=db']);
  });

  test('a table can be left to kubectl itself', async () => {
    const { run, namespace } = bed().place();
    await make(bed().api, namespace);
    const [header, row] = cells(await run('get bastions --server-print=false'));
    expect(header).toEqual(['NAME', 'AGE']);
    expect(row?.[0]).toBe('orders');
  });

  test('several types are shown together', async () => {
    const { run, namespace } = bed().place();
    await make(bed().api, namespace);
    await run('create -f -', { stdin: guard('g') });
    expect(await run('get bastions,guards -o name')).toEqual(
      done(`${BASTION}/orders\nguard.bastion-operator.dev/g`),
    );
  });

  test('what is awaited can be made later', async () => {
    // kubectl 1.31 and newer know this.
    if (kubectlMinor() < 31) return;
    const { run, follow, namespace } = bed().place();
    const waiting = follow('wait --for=create bastion/orders --timeout=40s');
    await make(bed().api, namespace);
    expect(await waiting.ended()).toEqual(done(`${BASTION}/orders condition met`));
    expect(await run('wait --for=condition=Ready=False bastion/orders --timeout=1s')).toMatchObject({
      code: 1,
    });
  });

  test('a dashboard reaches it through kubectl proxy', async () => {
    const { follow, namespace } = bed().place();
    await make(bed().api, namespace);
    const proxy = follow('proxy --port=0');
    await proxy.shows('Starting to serve on 127.0.0.1:');
    const address = /Starting to serve on (\S+)/.exec(proxy.stdout())?.[1];
    const path = `/apis/bastion-operator.dev/v1alpha1/namespaces/${namespace}/bastions/orders`;
    const answer = await fetch(`http://${address}${path}`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ kind: 'Bastion', metadata: { name: 'orders' } });
    await proxy.stop();
  });

  test('raw requests write too', async () => {
    const { run, namespace } = bed().place();
    const path = `/apis/bastion-operator.dev/v1alpha1/namespaces/${namespace}/bastions`;
    const { code, stdout } = await run(`create --raw ${path} -f -`, { stdin: named('orders') });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).metadata.namespace).toBe(namespace);
    expect((await run(`delete --raw ${path}/orders`)).code).toBe(0);
    expect((await run('wait --for=delete bastion/orders --timeout=40s')).code).toBe(0);
  });

  test('all of a namespace is deleted at once by a raw request', async () => {
    const { run, namespace } = bed().place();
    for (const name of ['a', 'b']) await make(bed().api, namespace, named(name));
    const path = `/apis/bastion-operator.dev/v1alpha1/namespaces/${namespace}/bastions`;
    expect((await run(`delete --raw ${path}`)).code).toBe(0);
    expect((await run('wait --for=delete bastion/a bastion/b --timeout=40s')).code).toBe(0);
    expect(await run('get bastions -o name')).toEqual(done());
  });

  test('a selector that selects nothing is no failure, and a wait for nothing is one', async () => {
    const { run } = bed().place();
    expect(await run('label bastions -l a=b c=d')).toMatchObject({ code: 0 });
    expect(await run('wait --for=condition=Ready bastions -l a=b --timeout=1s')).toEqual(
      failed('error: no matching resources found'),
    );
  });

  test('an object is too large', async () => {
    const { run } = bed().place();
    const { code, stderr } = await run('create -f -', {
      stdin: named('orders', {}, { annotations: { note: 'x'.repeat(300_000) } }),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^(The Bastion "orders" is invalid: metadata\.annotations: |Error from server \(RequestEntityTooLarge\): )/,
    );
  });
});
