import { describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { done, failed, refused } from './kubectl.ts';
import { BASTION, BASTIONS, make, named } from './manifests.ts';

const bed = useBed();

async function place(manifest = named('orders')) {
  const place = bed().place();
  await make(bed().api, place.namespace, manifest);
  return {
    patch: (type: string, patch: unknown, flags = '') =>
      place.run(`patch bastion orders --type=${type} ${flags} -p '${JSON.stringify(patch)}'`),
    read: async (path: string) => (await place.run(`get bastion orders -o jsonpath='${path}'`)).stdout,
    run: place.run,
    bastion: () => bed().api.bastions.get(place.namespace, 'orders'),
  };
}

describe('patch', () => {
  test('merges', async () => {
    const { patch, read } = await place(named('orders', { reason: 'INC-1' }));
    expect(await patch('merge', { spec: { ttl: '5h', reason: null } })).toEqual(
      done(`${BASTION}/orders patched`),
    );
    expect(await read('{.spec.ttl}{.spec.reason}')).toBe('5h');
  });

  test('says when nothing has changed', async () => {
    const { patch } = await place();
    expect(await patch('merge', { spec: { ttl: '4h' } })).toEqual(
      done(`${BASTION}/orders patched (no change)`),
    );
  });

  test('takes JSON patches', async () => {
    const { patch, read } = await place();
    const operations = [
      { op: 'test', path: '/spec/ttl', value: '4h' },
      { op: 'replace', path: '/spec/ttl', value: '5h' },
      { op: 'add', path: '/spec/reason', value: 'INC-1' },
    ];
    expect(await patch('json', operations)).toEqual(done(`${BASTION}/orders patched`));
    expect(await read('{.spec.ttl} {.spec.reason}')).toBe('5h INC-1');
  });

  test('refuses a JSON patch whose test fails', async () => {
    const { patch, read } = await place();
    const operations = [
      { op: 'add', path: '/spec/reason', value: 'INC-1' },
      { op: 'test', path: '/spec/ttl', value: '9h' },
    ];
    expect(await patch('json', operations)).toEqual(
      failed(
        'The Bastion "orders" is invalid: spec.ttl: testing value /spec/ttl failed: found "4h", the patch expects "9h"',
      ),
    );
    expect(await read('{.spec.reason}')).toBe('');
  });

  test('refuses a JSON patch of what is not there', async () => {
    const { patch } = await place();
    expect(await patch('json', [{ op: 'remove', path: '/spec/reason' }])).toEqual(
      failed(
        'The Bastion "orders" is invalid: spec.reason: remove operation does not apply: doc is missing key: /spec/reason: missing value',
      ),
    );
  });

  test('refuses strategic merges, as for every custom resource', async () => {
    const { patch } = await place();
    expect(await patch('strategic', { spec: { ttl: '5h' } })).toEqual(
      failed(
        'error: application/strategic-merge-patch+json is not supported by bastion-operator.dev/v1alpha1, Kind=Bastion: the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
      ),
    );
  });

  test('refuses what would be invalid', async () => {
    const { patch } = await place();
    expect(await patch('merge', { spec: { ttl: '1m' } })).toEqual(
      failed('The Bastion "orders" is invalid: spec.ttl: found "1m", allowed: from 5m to 168h'),
    );
  });

  test('refuses what is no JSON', async () => {
    const { run } = await place();
    const { code, stderr } = await run("patch bastion orders --type=merge -p '{spec'");
    expect(code).toBe(1);
    // What follows is the JSON parser's own, which differs between versions of Node.
    expect(stderr).toMatch(/^Error from server \(BadRequest\): the body of the request is not JSON: /);
  });

  test('refuses an older state', async () => {
    const { patch } = await place();
    expect(await patch('merge', { metadata: { resourceVersion: '1' }, spec: { ttl: '5h' } })).toMatchObject({
      code: 1,
      stderr: `Error from server (Conflict): Operation cannot be fulfilled on ${BASTIONS} "orders": the object has been modified; please apply your changes to the latest version and try again\n`,
    });
  });

  test('does not find what is not there', async () => {
    const { run } = bed().place();
    expect(await run(`patch bastion orders --type=merge -p '{}'`)).toEqual(
      refused('NotFound', `${BASTIONS} "orders" not found`),
    );
  });

  test('is tried by the server', async () => {
    const { patch, read } = await place();
    expect(await patch('merge', { spec: { ttl: '5h' } }, '--dry-run=server')).toEqual(
      done(`${BASTION}/orders patched`),
    );
    expect(await read('{.spec.ttl}')).toBe('4h');
  });

  test("never writes the status, which is the controller's", async () => {
    const { patch, read } = await place();
    const forged = { status: { activatedAt: '2030-01-01T00:00:00Z' }, spec: { ttl: '5h' } };
    const { code, stderr } = await patch('merge', forged, '--subresource=status');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error from server \(Forbidden\): .*cannot patch resource "bastions\/status"/);
    expect(await read('{.status} {.spec.ttl} {.metadata.generation}')).toBe(' 4h 1');
  });

  test('leaves the status alone otherwise', async () => {
    const { patch, read } = await place();
    expect(await patch('merge', { status: { phase: 'Ready' } })).toEqual(
      done(`${BASTION}/orders patched (no change)`),
    );
    expect(await read('{.status}')).toBe('');
  });
});

describe.each([
  ['label', 'labels', 'labeled', 'unlabeled'],
  ['annotate', 'annotations', 'annotated', 'annotated'],
])('%s', (verb, field, changed, removed) => {
  const path = `{.metadata.${field}.team}`;

  test('adds', async () => {
    const { run, read } = await place();
    expect(await run(`${verb} bastion orders team=a`)).toEqual(done(`${BASTION}/orders ${changed}`));
    expect(await read(path)).toBe('a');
  });

  test('overwrites only when told to', async () => {
    const { run, read } = await place(named('orders', {}, { [field]: { team: 'a' } }));
    const { code, stderr } = await run(`${verb} bastion orders team=b`);
    expect(code).toBe(1);
    // kubectl words it differently for labels and for annotations, and so do its versions.
    expect(stderr).toMatch(/^error: .*(--overwrite is false|already has a value)/);
    expect(await run(`${verb} bastion orders team=b --overwrite`)).toEqual(
      done(`${BASTION}/orders ${changed}`),
    );
    expect(await read(path)).toBe('b');
  });

  test('removes', async () => {
    const { run, read } = await place(named('orders', {}, { [field]: { team: 'a' } }));
    expect(await run(`${verb} bastion orders team-`)).toEqual(done(`${BASTION}/orders ${removed}`));
    expect(await read(`{.metadata.${field}}`)).toBe('');
  });

  test('refuses an older state', async () => {
    const { run } = await place();
    const { code, stderr } = await run(`${verb} bastion orders team=a --resource-version=1`);
    expect(code).toBe(1);
    expect(stderr).toContain('the object has been modified; please apply your changes to the latest version');
  });

  test('changes all that are selected', async () => {
    const { run, read } = await place(named('orders', {}, { labels: { set: 'x' } }));
    expect(await run(`${verb} bastions -l set=x team=a`)).toEqual(done(`${BASTION}/orders ${changed}`));
    expect(await read(path)).toBe('a');
  });

  test('does not find what is not there', async () => {
    const { run } = bed().place();
    expect(await run(`${verb} bastion orders team=a`)).toEqual(
      refused('NotFound', `${BASTIONS} "orders" not found`),
    );
  });
});

describe('replace', () => {
  test('replaces all but the status', async () => {
    const { run, read, bastion } = await place(named('orders', { reason: 'INC-1' }));
    await bed().api.bastions.updateStatus({ ...(await bastion()), status: { phase: 'Ready' } });
    const { stdout } = await run('get bastion orders -o json');
    const { spec: _spec, status: _status, ...rest } = JSON.parse(stdout);
    expect(
      await run('replace -f -', { stdin: { ...rest, spec: named('orders', { ttl: '5h' }).spec } }),
    ).toEqual(done(`${BASTION}/orders replaced`));
    expect(await read('{.spec.ttl} {.spec.reason} {.status.phase}')).toBe('5h  Ready');
  });

  test('takes the newest state where a manifest names none', async () => {
    const { run, read } = await place();
    expect(await run('replace -f -', { stdin: named('orders', { ttl: '5h' }) })).toEqual(
      done(`${BASTION}/orders replaced`),
    );
    expect(await read('{.spec.ttl}')).toBe('5h');
  });

  test('refuses an older state', async () => {
    const { run } = await place();
    const stdin = named('orders', { ttl: '5h' }, { resourceVersion: '1' });
    const { code, stderr } = await run('replace -f -', { stdin });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on ${BASTIONS} "orders": the object has been modified; please apply your changes to the latest version and try again\n`,
    );
  });

  test('does not find what is not there', async () => {
    const { run } = bed().place();
    expect(await run('replace -f -', { stdin: named('orders') })).toEqual(
      failed(`Error from server (NotFound): error when replacing "STDIN": ${BASTIONS} "orders" not found`),
    );
  });

  test('deletes and creates anew by force', async () => {
    const { run, read } = await place();
    const before = await read('{.metadata.uid}');
    const { code, stdout } = await run('replace --force --timeout=40s -f -', {
      stdin: named('orders', { ttl: '5h' }),
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^bastion\.bastion-operator\.dev "orders" deleted.*\nbastion\.bastion-operator\.dev\/orders replaced\n$/,
    );
    expect(await read('{.spec.ttl}')).toBe('5h');
    expect(await read('{.metadata.uid}')).not.toBe(before);
  });

  test('refuses to write over what it did not read', async () => {
    const { run, read } = await place();
    const path = await read('{.metadata.namespace}');
    const file = `/apis/bastion-operator.dev/v1alpha1/namespaces/${path}/bastions/orders`;
    expect(await run(`replace --raw ${file} -f -`, { stdin: named('orders') })).toEqual(
      failed(
        'The Bastion "orders" is invalid: metadata.resourceVersion: required but missing: must be specified for an update',
      ),
    );
  });
});
