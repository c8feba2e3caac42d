import { describe, expect, test } from 'vitest';
import { type Place, useBed } from './bed.ts';
import { done, failed } from './kubectl.ts';
import { BASTION, named } from './manifests.ts';

const bed = useBed();

async function read({ run }: Place, path: string): Promise<string> {
  return (await run(`get bastion orders -o jsonpath='${path}'`)).stdout;
}

const applied = (name = 'orders') => done(`${BASTION}/${name} serverside-applied`);
const CONFLICT_HELP = [
  'Please review the fields above--they currently have other managers. Here',
  'are the ways you can resolve this warning:',
  '* If you intend to manage all of these fields, please re-run the apply',
  '  command with the `--force-conflicts` flag.',
  '* If you do not intend to manage all of the fields, please edit your',
  '  manifest to remove references to the fields that should keep their',
  '  current managers.',
  '* You may co-own fields by updating your manifest to match the existing',
  "  value; in this case, you'll become the manager if the other manager(s)",
  '  stop managing the field (remove it from their configuration).',
  'See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts',
].join('\n');

describe('apply --server-side', () => {
  test('creates, and leaves what is as it should be', async () => {
    const place = bed().place();
    expect(await place.run('apply --server-side -f -', { stdin: named('orders') })).toEqual(applied());
    const version = await read(place, '{.metadata.resourceVersion}');
    expect(await place.run('apply --server-side -f -', { stdin: named('orders') })).toEqual(applied());
    expect(await read(place, '{.metadata.resourceVersion}')).toBe(version);
  });

  test('says who manages which fields', async () => {
    const place = bed().place();
    await place.run('apply --server-side --field-manager=ci -f -', { stdin: named('orders') });
    const { stdout } = await place.run('get bastion orders --show-managed-fields -o json');
    expect(JSON.parse(stdout).metadata.managedFields).toEqual([
      {
        apiVersion: 'bastion-operator.dev/v1alpha1',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:spec': {
            'f:network': { 'f:subnetIds': { 'v:"subnet-0a1b2c3d4e5f60718"': {} }, 'f:vpcId': {} },
            'f:ttl': {},
          },
        },
        manager: 'ci',
        operation: 'Apply',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      },
    ]);
  });

  test('hides who manages which fields unless asked', async () => {
    const place = bed().place();
    await place.run('apply --server-side -f -', { stdin: named('orders') });
    expect((await place.run('get bastion orders -o yaml')).stdout).not.toContain('managedFields');
    expect((await place.run('get bastion orders -o yaml --show-managed-fields')).stdout).toContain(
      '\n  - apiVersion: bastion-operator.dev/v1alpha1\n    fieldsType: FieldsV1\n',
    );
  });

  test('refuses to change what another manages', async () => {
    const place = bed().place();
    await place.run('apply --server-side --field-manager=ci -f -', {
      stdin: named('orders', { reason: 'a' }),
    });
    expect(await place.run('apply --server-side -f -', { stdin: named('orders', { ttl: '5h' }) })).toEqual(
      failed(`error: Apply failed with 1 conflict: conflict with "ci": .spec.ttl\n${CONFLICT_HELP}`),
    );
    expect(await read(place, '{.spec.ttl}')).toBe('4h');
  });

  test('refuses with all conflicts at once', async () => {
    const place = bed().place();
    await place.run('apply --server-side --field-manager=ci -f -', {
      stdin: named('orders', { reason: 'a' }),
    });
    const stdin = named('orders', { ttl: '5h', reason: 'b' });
    expect(await place.run('apply --server-side -f -', { stdin })).toEqual(
      failed(
        `error: Apply failed with 2 conflicts: conflicts with "ci":\n- .spec.reason\n- .spec.ttl\n${CONFLICT_HELP}`,
      ),
    );
  });

  test('takes over by force', async () => {
    const place = bed().place();
    await place.run('apply --server-side --field-manager=ci -f -', { stdin: named('orders') });
    const stdin = named('orders', { ttl: '5h' });
    expect(await place.run('apply --server-side --force-conflicts -f -', { stdin })).toEqual(applied());
    expect(await read(place, '{.spec.ttl}')).toBe('5h');
    expect(
      (await place.run('apply --server-side --field-manager=ci -f -', { stdin: named('orders') })).stderr,
    ).toMatch(/^error: Apply failed with 1 conflict: conflict with "kubectl": \.spec\.ttl\n/);
  });

  test('removes what its manager no longer says', async () => {
    const place = bed().place();
    const rich = named('orders', { reason: 'INC-1' }, { labels: { team: 'a', tier: 'db' } });
    await place.run('apply --server-side -f -', { stdin: rich });
    expect(
      await place.run('apply --server-side -f -', { stdin: named('orders', {}, { labels: { team: 'a' } }) }),
    ).toEqual(applied());
    expect(await read(place, '{.spec.reason}{.metadata.labels}')).toBe('{"team":"a"}');
  });

  test('keeps what another manager says too', async () => {
    const place = bed().place();
    const rich = named('orders', { reason: 'INC-1' });
    await place.run('apply --server-side --field-manager=ci -f -', { stdin: rich });
    await place.run('apply --server-side -f -', { stdin: rich });
    await place.run('apply --server-side -f -', { stdin: named('orders') });
    expect(await read(place, '{.spec.reason}')).toBe('INC-1');
  });

  test('merges targets by their names', async () => {
    const place = bed().place();
    const target = (name: string) => ({ name, host: `${name}.example.com`, port: 5432 });
    const minimal = (name: string) => {
      const { spec: _spec, ...rest } = named('orders');
      return { ...rest, spec: { ttl: '4h', network: named('x').spec.network, targets: [target(name)] } };
    };
    await place.run('apply --server-side --field-manager=a -f -', { stdin: minimal('db') });
    await place.run('apply --server-side --field-manager=b -f -', { stdin: minimal('cache') });
    expect(await read(place, '{.spec.targets[*].name}')).toBe('db cache');
    await place.run('apply --server-side --field-manager=a -f -', { stdin: minimal('queue') });
    expect(await read(place, '{.spec.targets[*].name}')).toBe('cache queue');
  });

  test('is tried by the server', async () => {
    const place = bed().place();
    const dry = 'apply --server-side --dry-run=server -f -';
    expect(await place.run(dry, { stdin: named('orders') })).toEqual(
      done(`${BASTION}/orders serverside-applied (server dry run)`),
    );
    expect((await place.run('get bastion orders')).code).toBe(1);
    await place.run('apply --server-side --field-manager=ci -f -', { stdin: named('orders') });
    expect((await place.run(dry, { stdin: named('orders', { ttl: '5h' }) })).stderr).toMatch(
      /^error: Apply failed with 1 conflict: conflict with "ci": \.spec\.ttl\n/,
    );
  });

  test('takes over an object that was applied by the client', async () => {
    const place = bed().place();
    await place.run('apply -f -', { stdin: named('orders', { reason: 'INC-1' }) });
    expect(await place.run('apply --server-side -f -', { stdin: named('orders', { ttl: '5h' }) })).toEqual(
      applied(),
    );
    expect(await read(place, '{.spec.ttl} {.spec.reason}')).toBe('5h ');
    const { stdout } = await place.run('get bastion orders --show-managed-fields -o json');
    const managers = JSON.parse(stdout).metadata.managedFields.map(
      ({ manager, operation }: { manager: string; operation: string }) => `${manager} ${operation}`,
    );
    // The annotation of the client's apply is kept up to date for clients that go on with it.
    expect(managers.toSorted()).toEqual(['kubectl Apply', 'kubectl-last-applied Apply']);
  });

  test('lets the client apply again afterwards', async () => {
    const place = bed().place();
    await place.run('apply -f -', { stdin: named('orders') });
    await place.run('apply --server-side -f -', { stdin: named('orders', { ttl: '5h' }) });
    // Once it writes its annotation in its own form; then there is nothing left to do.
    const again = () => place.run('apply -f -', { stdin: named('orders', { ttl: '5h' }) });
    expect(await again()).toEqual(done(`${BASTION}/orders configured`));
    expect(await again()).toEqual(done(`${BASTION}/orders unchanged`));
    expect(await read(place, '{.metadata.generation}')).toBe('2');
    expect(await place.run('apply -f -', { stdin: named('orders', { ttl: '6h' }) })).toEqual(
      done(`${BASTION}/orders configured`),
    );
  });

  test('remembers who changed a field without applying', async () => {
    const place = bed().place();
    await place.run('apply --server-side -f -', { stdin: named('orders', { reason: 'a' }) });
    await place.run(`patch bastion orders --type=merge --field-manager=oncall -p '{"spec":{"ttl":"8h"}}'`);
    expect(
      (await place.run('apply --server-side -f -', { stdin: named('orders', { reason: 'a' }) })).stderr,
    ).toMatch(
      /^error: Apply failed with 1 conflict: conflict with "oncall" using bastion-operator\.dev\/v1alpha1: \.spec\.ttl\n/,
    );
  });

  test('refuses unknown fields and invalid values', async () => {
    const { run } = bed().place();
    const unknown = await run('apply --server-side -f -', { stdin: named('orders', { ttlSeconds: 5 }) });
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toBe(
      'Error from server (BadRequest): Bastion in version "v1alpha1" cannot be handled as a Bastion: strict decoding error: unknown field "spec.ttlSeconds"\n',
    );
    const invalid = await run('apply --server-side -f -', { stdin: named('orders', { ttl: '1m' }) });
    expect(invalid).toEqual(
      failed('The Bastion "orders" is invalid: spec.ttl: found "1m", allowed: from 5m to 168h'),
    );
  });

  test('refuses to be told who manages', async () => {
    const { run } = bed().place();
    const managedFields = [
      { manager: 'me', operation: 'Apply', apiVersion: 'bastion-operator.dev/v1alpha1' },
    ];
    const { code, stderr } = await run('apply --server-side -f -', {
      stdin: named('orders', {}, { managedFields }),
    });
    expect(code).toBe(1);
    expect(stderr).toContain('metadata.managedFields must be nil');
  });
});
