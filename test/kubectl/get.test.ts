import { beforeAll, describe, expect, test } from 'vitest';
import { type Place, useBed } from './bed.ts';
import { cells, done, failed, refused } from './kubectl.ts';
import { BASTION, BASTIONS, make, named, ready } from './manifests.ts';

const MINUTES = 60_000;
const HOURS = 60 * MINUTES;

const bed = useBed();
let place: Place;
const run = (line: string) => place.run(line);

/** Three Bastions that all tests here only look at. */
beforeAll(async () => {
  place = bed().place('shown');
  const { api } = bed();
  const target = { name: 'orders', host: 'orders.example.com', port: 5432 };
  const rich = { targets: [target, { ...target, name: 'users' }], reason: 'INC-1234 slow orders' };
  const orders = await make(api, 'shown', named('orders', rich, { labels: { team: 'a', tier: 'db' } }));
  await bed().seed(orders, ready(3 * HOURS + 30 * MINUTES), 25 * HOURS);
  const users = await make(api, 'shown', named('users', { ttl: '8h' }, { labels: { team: 'b' } }));
  await bed().seed(users, {}, 3 * HOURS + 5 * MINUTES + 20_000);
  const vault = await make(api, 'shown', named('vault', { suspend: true }));
  await bed().seed(vault, {}, 5 * MINUTES + 10_000);
  await make(api, 'elsewhere', named('other', {}, { labels: { team: 'a' } }));
});

describe('get as a table', () => {
  test('shows the printer columns', async () => {
    expect(cells(await run('get bastions'))).toEqual([
      ['NAME', 'PHASE', 'TRANSPORT', 'TARGETS', 'EXPIRES', 'AGE'],
      ['orders', 'Ready', 'EcsExec', 'orders,users', expect.stringMatching(/^3h(29|30)m$/), '25h'],
      ['users', 'Pending', 'EcsExec', '<none>', '<none>', '3h5m'],
      ['vault', 'Pending', 'EcsExec', '<none>', '<none>', expect.stringMatching(/^5m\d+s$/)],
    ]);
  });

  test('shows more columns when wide', async () => {
    const [header, orders] = cells(await run('get bastion orders -o wide'));
    expect(header).toEqual([
      ...['NAME', 'PHASE', 'TRANSPORT', 'TARGETS', 'EXPIRES', 'AGE'],
      ...['VPC', 'SESSION-TARGET', 'REASON'],
    ]);
    expect(orders?.slice(-3)).toEqual([
      'vpc-0a1b2c3d4e5f60718',
      'ecs:bastion_0123_0123-456',
      'INC-1234 slow orders',
    ]);
  });

  test('takes the short name, the singular and the full name for the same', async () => {
    const tables = await Promise.all(
      ['bst', 'bastion', BASTIONS, 'bastions.v1alpha1.bastion-operator.dev'].map((type) =>
        run(`get ${type} users --no-headers`),
      ),
    );
    for (const table of tables)
      expect(cells(table)).toEqual([['users', 'Pending', 'EcsExec', '<none>', '<none>', '3h5m']]);
  });

  test('takes several names, in the order in which they are named', async () => {
    expect(await run('get bastion vault orders -o name')).toEqual(
      done(`${BASTION}/vault\n${BASTION}/orders`),
    );
  });

  test('takes TYPE/NAME', async () => {
    expect(await run('get bastion/vault bst/users -o name')).toEqual(
      done(`${BASTION}/vault\n${BASTION}/users`),
    );
  });

  test('shows all that belongs to the category all', async () => {
    const [header, ...rows] = cells(await run('get all'));
    expect(header?.[0]).toBe('NAME');
    expect(rows.map(([name]) => name)).toEqual(
      ['orders', 'users', 'vault'].map((name) => `${BASTION}/${name}`),
    );
  });

  test('shows labels', async () => {
    const [header, ...rows] = cells(await run('get bastions --show-labels'));
    expect(header?.at(-1)).toBe('LABELS');
    expect(rows.map((row) => row.at(-1))).toEqual(['team=a,tier=db', 'team=b', '<none>']);
  });

  test('shows labels as columns', async () => {
    const [header, ...rows] = cells(await run('get bastions -L team,tier'));
    expect(header?.slice(-2)).toEqual(['TEAM', 'TIER']);
    expect(rows[0]?.slice(-2)).toEqual(['a', 'db']);
    expect(rows[1]?.slice(-1)).toEqual(['b']);
  });

  test('shows all namespaces', async () => {
    const [header, ...rows] = cells(await bed().kubectl.run('get bastions -A'));
    expect(header?.slice(0, 2)).toEqual(['NAMESPACE', 'NAME']);
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      ['elsewhere', 'other'],
      ['shown', 'orders'],
      ['shown', 'users'],
      ['shown', 'vault'],
    ]);
  });

  test('sorts by a field', async () => {
    const sorted = async (line: string) => cells(await run(`${line} --no-headers`)).map(([name]) => name);
    expect(await sorted('get bastions --sort-by=.metadata.creationTimestamp')).toEqual([
      'orders',
      'users',
      'vault',
    ]);
    expect(await sorted('get bastions --sort-by={.spec.ttl}')).toEqual(['orders', 'vault', 'users']);
  });

  test('says that there is nothing', async () => {
    const { run: look, namespace } = bed().place();
    expect(await look('get bastions')).toEqual(done('', `No resources found in ${namespace} namespace.`));
    expect(await look('get bastions -l nobody=here -A')).toEqual(done('', 'No resources found'));
    expect(await look('get bastions -o name')).toEqual(done());
  });
});

describe('get that fails', () => {
  test('does not find a name', async () => {
    expect(await run('get bastion nope')).toEqual(refused('NotFound', `${BASTIONS} "nope" not found`));
  });

  test('finds what is there and tells what is not', async () => {
    expect(await run('get bastion nope users -o name')).toEqual(
      failed(`Error from server (NotFound): ${BASTIONS} "nope" not found`, 1, `${BASTION}/users`),
    );
  });

  test('bears it when told to', async () => {
    expect(await run('get bastion nope --ignore-not-found')).toEqual(done());
  });

  test('does not know a type', async () => {
    expect(await run('get bastillons')).toEqual(
      failed('error: the server doesn\'t have a resource type "bastillons"'),
    );
  });

  test('does not take a name together with a selector', async () => {
    expect(await run('get bastion orders -l team=a')).toEqual(
      failed('error: name cannot be provided when a selector is specified'),
    );
  });
});

describe('get in other forms', () => {
  test('prints YAML that can be applied again', async () => {
    const { code, stdout } = await run('get bastion orders -o yaml');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^apiVersion: bastion-operator\.dev\/v1alpha1\nkind: Bastion\nmetadata:\n {2}creationTimestamp: "/,
    );
    expect(stdout).toContain('\n  finalizers:\n  - bastion-operator.dev/teardown\n');
    expect(stdout).toContain('\n  reason: INC-1234 slow orders\n');
    expect(stdout).not.toContain('managedFields');
  });

  test('prints a list as JSON', async () => {
    const { stdout } = await run('get bastions -o json');
    const list = JSON.parse(stdout);
    expect(list).toMatchObject({ apiVersion: 'v1', kind: 'List' });
    expect(
      list.items.map((item: { kind: string; apiVersion: string }) => [item.kind, item.apiVersion]),
    ).toEqual(Array(3).fill(['Bastion', 'bastion-operator.dev/v1alpha1']));
  });

  test('prints names', async () => {
    expect(await run('get bastions -o name')).toEqual(
      done(`${BASTION}/orders\n${BASTION}/users\n${BASTION}/vault`),
    );
  });

  test('prints a JSON path', async () => {
    expect((await run("get bastions -o jsonpath='{.items[*].spec.ttl}'")).stdout).toBe('4h 8h 4h');
    expect(
      (await run('get bastion orders -o jsonpath=\'{.spec.targets[?(@.name=="users")].port}\'')).stdout,
    ).toBe('5432');
  });

  test('prints custom columns', async () => {
    expect(
      cells(await run('get bastions -o custom-columns=WHO:.metadata.name,TTL:.spec.ttl,PHASE:.status.phase')),
    ).toEqual([
      ['WHO', 'TTL', 'PHASE'],
      ['orders', '4h', 'Ready'],
      ['users', '8h', '<none>'],
      ['vault', '4h', '<none>'],
    ]);
  });

  test('prints a Go template', async () => {
    expect(
      (await run("get bastions -o go-template='{{range .items}}{{.metadata.name}}={{.spec.ttl}};{{end}}'"))
        .stdout,
    ).toBe('orders=4h;users=8h;vault=4h;');
  });

  test('prints what a file names', async () => {
    const path = await place.file('users.yaml', named('users'));
    expect(await run(`get -f ${path} -o name`)).toEqual(done(`${BASTION}/users`));
    const missing = await place.file('missing.yaml', named('missing'));
    expect(await run(`get -f ${missing}`)).toEqual(refused('NotFound', `${BASTIONS} "missing" not found`));
  });

  test('prints raw objects and lists', async () => {
    const path = '/apis/bastion-operator.dev/v1alpha1/namespaces/shown/bastions';
    const list = JSON.parse((await run(`get --raw ${path}`)).stdout);
    expect(list).toMatchObject({ kind: 'BastionList', apiVersion: 'bastion-operator.dev/v1alpha1' });
    expect(list.metadata.resourceVersion).toMatch(/^\d+$/);
    const status = JSON.parse((await run(`get --raw ${path}/orders/status`)).stdout);
    expect(status.status.phase).toBe('Ready');
    expect(await run(`get --raw ${path}/nope`)).toEqual(refused('NotFound', `${BASTIONS} "nope" not found`));
  });

  test('reads the status alone', async () => {
    expect((await run("get bastion orders --subresource=status -o jsonpath='{.status.phase}'")).stdout).toBe(
      'Ready',
    );
  });
});

describe('get by selector', () => {
  const names = async (line: string) =>
    (await run(`get bastions -o name ${line}`)).stdout.replaceAll(`${BASTION}/`, '').split('\n').slice(0, -1);

  test.each([
    ['team=a', ['orders']],
    ['team==a,tier=db', ['orders']],
    ['team!=a', ['users', 'vault']],
    ["'team in (a,b)'", ['orders', 'users']],
    ["'team in (a,b),team!=b'", ['orders']],
    ["'team notin (a)'", ['users', 'vault']],
    ['tier', ['orders']],
    ["'!team'", ['vault']],
    ['team=c', []],
  ])('selects by labels: %s', async (selector, expected) => {
    expect(await names(`-l ${selector}`)).toEqual(expected);
  });

  test('selects by fields', async () => {
    expect(await names('--field-selector metadata.name=users')).toEqual(['users']);
    expect(await names('--field-selector metadata.name!=users')).toEqual(['orders', 'vault']);
    expect(await names('--field-selector metadata.namespace=elsewhere -A')).toEqual(['other']);
  });

  test('refuses a field that cannot select', async () => {
    expect(await run('get bastions --field-selector spec.ttl=4h')).toEqual(
      refused(
        'BadRequest',
        'Unable to find "bastion-operator.dev/v1alpha1, Resource=bastions" that match label selector "", field selector "spec.ttl=4h": field selector "spec.ttl=4h": field label not supported: spec.ttl, allowed: metadata.name, metadata.namespace',
      ),
    );
  });

  test('refuses a selector that it cannot read', async () => {
    expect(await run("get bastions -l 'team in a'")).toEqual(
      refused(
        'BadRequest',
        'Unable to find "bastion-operator.dev/v1alpha1, Resource=bastions" that match label selector "team in a", field selector "": label selector "team in a": found key "team in a", allowed: a=b, a!=b, a in (b,c), a notin (b,c), a, !a',
      ),
    );
  });
});
