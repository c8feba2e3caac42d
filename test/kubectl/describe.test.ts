import { describe, expect, test } from 'vitest';
import { API_VERSION, type Bastion } from '../../controller/api/bastion.ts';
import { type Place, useBed } from './bed.ts';
import { cells, done, refused } from './kubectl.ts';
import { BASTIONS, make, named, ready } from './manifests.ts';

const bed = useBed();

async function report(bastion: Bastion, reason: string, type = 'Normal', agoMs = 0): Promise<void> {
  const { namespace, name, uid } = bastion.metadata;
  const at = new Date(Date.now() - agoMs).toISOString();
  await bed().api.events.create({
    ...{ apiVersion: 'v1', kind: 'Event' },
    metadata: { name: `${name}.${reason.toLowerCase()}`, namespace },
    involvedObject: { apiVersion: API_VERSION, kind: 'Bastion', namespace, name, uid },
    ...{ reason, message: `${reason} it is.`, type, count: 3, firstTimestamp: at, lastTimestamp: at },
    source: { component: 'bastion-operator' },
  });
}

async function placeWithEvents(): Promise<Place> {
  const place = bed().place();
  const { api } = bed();
  const orders = await make(
    api,
    place.namespace,
    named('orders', { reason: 'INC-1' }, { labels: { team: 'a' } }),
  );
  const users = await make(api, place.namespace, named('users'));
  await bed().seed(orders, ready(3_600_000));
  await report(orders, 'TaskStarted', 'Normal', 60_000);
  await report(orders, 'ImagePullFailed', 'Warning');
  await report(users, 'Accepted');
  return place;
}

describe('describe', () => {
  test('shows the object and what happened to it', async () => {
    const { run, namespace } = await placeWithEvents();
    const { code, stdout } = await run('describe bastion orders');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `^Name: +orders\nNamespace: +${namespace}\nLabels: +team=a\nAnnotations: +<none>\nAPI Version: +${API_VERSION}\nKind: +Bastion\n`,
      ),
    );
    expect(stdout).toMatch(/^ {2}Reason: +INC-1$/m);
    expect(stdout).toMatch(/^ {2}Phase: +Ready$/m);
    const events = stdout
      .slice(stdout.indexOf('\nEvents:\n') + 9)
      .trimEnd()
      .split('\n');
    expect(events.slice(0, 2).map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['Type', 'Reason', 'Age', 'From', 'Message'],
      ['----', '------', '----', '----', '-------'],
    ]);
    const happened = events.slice(2).map((line) => line.trim().split(/ {2,}/));
    expect(happened.map(([type, reason, , from, message]) => [type, reason, from, message])).toEqual([
      ['Normal', 'TaskStarted', 'bastion-operator', 'TaskStarted it is.'],
      ['Warning', 'ImagePullFailed', 'bastion-operator', 'ImagePullFailed it is.'],
    ]);
  });

  test('says that nothing happened', async () => {
    const { run, namespace } = bed().place();
    await make(bed().api, namespace);
    expect((await run('describe bastion orders')).stdout).toMatch(/\nEvents: {2,}<none>\n$/);
  });

  test('describes all of a selection', async () => {
    const { run } = await placeWithEvents();
    const { stdout } = await run('describe bastions');
    expect(stdout.match(/^Name: .*/gm)?.map((line) => line.split(/ +/)[1])).toEqual(['orders', 'users']);
    expect((await run('describe bastions -l team=a')).stdout.match(/^Name:/gm)).toHaveLength(1);
  });

  test('takes the beginning of a name', async () => {
    const { run } = await placeWithEvents();
    expect((await run('describe bastion ord')).stdout).toMatch(/^Name: +orders\n/);
  });

  test('does not find what is not there', async () => {
    const { run, namespace } = bed().place();
    expect(await run('describe bastion nope')).toEqual(refused('NotFound', `${BASTIONS} "nope" not found`));
    expect(await run('describe bastions')).toEqual(done('', `No resources found in ${namespace} namespace.`));
  });
});

describe('events', () => {
  test('lists what happened in a namespace', async () => {
    const { run } = await placeWithEvents();
    const [header, ...rows] = cells(await run('events'));
    expect(header).toEqual(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']);
    expect(rows.map(([, type, reason, object]) => [type, reason, object]).sort()).toEqual([
      ['Normal', 'Accepted', 'Bastion/users'],
      ['Normal', 'TaskStarted', 'Bastion/orders'],
      ['Warning', 'ImagePullFailed', 'Bastion/orders'],
    ]);
  });

  test('lists what happened to one object', async () => {
    const { run } = await placeWithEvents();
    const rows = cells(await run('events --for bastion/users --no-headers'));
    expect(rows.map(([, , reason]) => reason)).toEqual(['Accepted']);
  });

  test('lists one kind of events', async () => {
    const { run } = await placeWithEvents();
    const rows = cells(await run('events --types=Warning --no-headers'));
    expect(rows.map(([, , reason]) => reason)).toEqual(['ImagePullFailed']);
  });

  test('follows them', async () => {
    const { follow, namespace } = bed().place();
    const orders = await make(bed().api, namespace);
    const watching = follow('events --for bastion/orders --watch');
    await report(orders, 'TaskStarted');
    await watching.shows('TaskStarted');
    await report(orders, 'AgentConnected');
    await watching.shows('AgentConnected');
    await watching.stop();
  });

  test('are a resource like others', async () => {
    const { run } = await placeWithEvents();
    const [header, ...rows] = cells(await run('get events'));
    expect(header).toEqual(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']);
    expect(rows.map(([, , reason, object]) => `${reason} ${object}`).sort()).toEqual([
      'Accepted bastion/users',
      'ImagePullFailed bastion/orders',
      'TaskStarted bastion/orders',
    ]);
    // A short name of both groups would bring a warning with each use.
    expect(await run('get ev --no-headers -o name')).toMatchObject({ stderr: '' });
    expect((await run('get events --field-selector involvedObject.name=users -o name')).stdout).toBe(
      'event/users.accepted\n',
    );
    expect((await run('get events.events.k8s.io -o jsonpath="{.items[*].note}"')).stdout).toContain(
      'Accepted it is.',
    );
  });

  test('say that there are none', async () => {
    const { run, namespace } = bed().place();
    expect(await run('events')).toEqual(done('', `No events found in ${namespace} namespace.`));
  });
});
