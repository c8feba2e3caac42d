import { describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { done, failed, refused } from './kubectl.ts';
import { BASTION, BASTIONS, guard, make, named } from './manifests.ts';

const bed = useBed();
const TARGET = { name: 'db', host: 'db.example.com', port: 5432 };

describe('create', () => {
  test('creates what is written to it', async () => {
    const { run } = bed().place();
    expect(await run('create -f -', { stdin: named('orders') })).toEqual(done(`${BASTION}/orders created`));
    expect(await run('get bastion orders -o name')).toEqual(done(`${BASTION}/orders`));
  });

  test('creates every document of a file', async () => {
    const { run, file } = bed().place();
    const documents = [named('a'), named('b'), guard('c')].map((document) => JSON.stringify(document));
    const path = await file('create/three.yaml', documents.join('\n'));
    expect(await run(`create -f ${path}`)).toEqual(
      done(`${BASTION}/a created\n${BASTION}/b created\nguard.bastion-operator.dev/c created`),
    );
  });

  test('fills in what the schema has as defaults', async () => {
    const { run } = bed().place();
    const { stdout } = await run('create -o yaml -f -', { stdin: named('orders') });
    expect(stdout).toContain('\n  access:\n    transport: EcsExec\n');
    expect(stdout).toContain('\n  finalizers:\n  - bastion-operator.dev/teardown\n');
    expect(stdout).toContain('\n  generation: 1\n');
  });

  test('puts the name together where only its beginning is given', async () => {
    const { run } = bed().place();
    const { name: _name, ...metadata } = { ...named('x').metadata, generateName: 'orders-' };
    const { stdout } = await run('create -o name -f -', { stdin: { ...named('x'), metadata } });
    expect(stdout).toMatch(/^bastion\.bastion-operator\.dev\/orders-[a-z0-9]{5}\n$/);
  });

  test('refuses what is there already', async () => {
    const { run, namespace } = bed().place();
    await make(bed().api, namespace);
    expect(await run('create -f -', { stdin: named('orders') })).toEqual(
      failed(
        `Error from server (AlreadyExists): error when creating "STDIN": ${BASTIONS} "orders" already exists`,
      ),
    );
  });

  test('refuses a namespace that differs from the one asked for', async () => {
    const { run, namespace } = bed().place();
    expect(await run('create -f -', { stdin: named('orders', {}, { namespace: 'elsewhere' }) })).toEqual(
      failed(
        `error: the namespace from the provided object "elsewhere" does not match the namespace "${namespace}". You must pass '--namespace=elsewhere' to perform this operation.`,
      ),
    );
  });

  test('refuses a kind that it does not know', async () => {
    const { run } = bed().place();
    expect(await run('create -f -', { stdin: { ...named('orders'), kind: 'Bastillon' } })).toEqual(
      failed(
        'error: resource mapping not found for name: "orders" namespace: "" from "STDIN": no matches for kind "Bastillon" in version "bastion-operator.dev/v1alpha1"\nensure CRDs are installed first',
      ),
    );
  });
});

describe('create for nothing', () => {
  test('is tried by the server', async () => {
    const { run } = bed().place();
    expect(await run('create --dry-run=server -f -', { stdin: named('orders') })).toEqual(
      done(`${BASTION}/orders created (server dry run)`),
    );
    expect(await run('get bastion orders')).toEqual(refused('NotFound', `${BASTIONS} "orders" not found`));
  });

  test('is refused by the server as it would be in earnest', async () => {
    const { run } = bed().place();
    const { code, stderr } = await run('create --dry-run=server -f -', {
      stdin: named('orders', { ttl: '1m' }),
    });
    expect(code).toBe(1);
    expect(stderr).toContain('spec.ttl: found "1m", allowed: from 5m to 168h');
  });

  test('never asks the server when the client does it', async () => {
    const { run } = bed().place();
    expect(await run('create --dry-run=client -f -', { stdin: named('orders', { ttl: '1m' }) })).toEqual(
      done(`${BASTION}/orders created (dry run)`),
    );
  });
});

describe('unknown fields', () => {
  const unknown = named('orders', { ttlSeconds: 5 });

  test('are refused', async () => {
    const { run } = bed().place();
    expect(await run('create -f -', { stdin: unknown })).toEqual(
      failed(
        'Error from server (BadRequest): error when creating "STDIN": Bastion in version "v1alpha1" cannot be handled as a Bastion: strict decoding error: unknown field "spec.ttlSeconds"',
      ),
    );
  });

  test('are dropped with a warning when so told', async () => {
    const { run } = bed().place();
    expect(await run('create --validate=warn -f -', { stdin: unknown })).toEqual(
      done(`${BASTION}/orders created`, 'Warning: unknown field "spec.ttlSeconds"'),
    );
    expect((await run('get bastion orders -o json')).stdout).not.toContain('ttlSeconds');
  });

  test.each(['ignore', 'false'])('are dropped in silence with --validate=%s', async (level) => {
    const { run } = bed().place();
    expect(await run(`create --validate=${level} -f -`, { stdin: unknown })).toEqual(
      done(`${BASTION}/orders created`),
    );
    expect((await run('get bastion orders -o json')).stdout).not.toContain('ttlSeconds');
  });
});

describe('invalid specs', () => {
  const create = async (spec: object, metadata: object = {}) =>
    await bed()
      .place()
      .run('create -f -', { stdin: named('orders', spec, metadata) });
  const invalid = (text: string) => failed(`The Bastion "orders" is invalid: ${text}`);

  test('are refused with the field and what it takes', async () => {
    expect(await create({ ttl: '1m' })).toEqual(invalid('spec.ttl: found "1m", allowed: from 5m to 168h'));
  });

  test('are refused with every field at once', async () => {
    const { code, stderr } = await create({ ttl: '1m', network: { vpcId: 'vpc', subnetIds: [] } });
    expect(code).toBe(1);
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toBe('The Bastion "orders" is invalid: ');
    expect(lines.slice(1).map((line) => /^\* ([^:]+): /.exec(line)?.[1])).toEqual([
      'spec.network.vpcId',
      'spec.network.subnetIds',
      'spec.ttl',
    ]);
  });

  test('are refused by rules that span fields', async () => {
    expect(await create({ access: { activation: { issuer: 'Task' } } })).toEqual(
      invalid(
        'spec.access.activation: found with transport EcsExec, allowed: only with transport HybridActivation',
      ),
    );
    expect(await create({ task: { cpu: 256, memory: 30720 } })).toEqual(
      invalid('spec.task.memory: found 30720, allowed with cpu 256: 512, 1024, 2048'),
    );
  });

  test('are refused when something required is left out', async () => {
    const { spec: _spec, ...empty } = named('orders');
    const { run } = bed().place();
    expect(await run('create -f -', { stdin: empty })).toEqual(
      invalid('spec: required but missing: The BastionSpec: what should be open, for whom and for how long'),
    );
  });

  test.each([
    [
      'a value is none of those allowed',
      { access: { transport: 'Ssh' } },
      {},
      'spec.access.transport: found "Ssh", allowed: EcsExec, HybridActivation',
    ],
    [
      'a value is of another type',
      { suspend: 'yes' },
      {},
      'spec.suspend: found "yes" (a string), allowed: a boolean',
    ],
    [
      'a target stands twice',
      { targets: [TARGET, TARGET] },
      {},
      'spec.targets[1].name: found "db", which spec.targets[0] has already, allowed: each once',
    ],
    [
      'a label is none',
      {},
      { labels: { team: 'a b' } },
      "metadata.labels.team: found \"a b\", allowed: at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit",
    ],
  ])('are refused when %s', async (_why, spec, metadata, text) => {
    expect(await create(spec, metadata)).toEqual(invalid(text));
  });

  test('are refused when the name is none', async () => {
    expect(
      await bed()
        .place()
        .run('create -f -', { stdin: named('Orders_1') }),
    ).toEqual(
      failed(
        `The Bastion "Orders_1" is invalid: metadata.name: found "Orders_1", allowed: lower case letters, digits, '-' and '.', starting and ending with a letter or digit`,
      ),
    );
  });

  test('are refused when the document is no object', async () => {
    const { run } = bed().place();
    const { code, stderr } = await run('create -f -', { stdin: 'ttl 4h' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: /);
  });
});
