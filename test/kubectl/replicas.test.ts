import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../controller/app/process/clock.ts';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import { type EmbeddedStore, openEmbeddedStore } from '../../controller/store/embedded.ts';
import { createMemorySubject } from '../store/memory.ts';
import { type Bed, openBed } from './bed.ts';
import { cells, done, eventually } from './kubectl.ts';
import { BASTION, BASTIONS, make, named } from './manifests.ts';
import { serve } from './serve.ts';

describe('two servers on one table', () => {
  const clock = systemClock();
  let embedded: EmbeddedStore;
  let first: Bed;
  let second: Bed;

  beforeAll(async () => {
    embedded = await openEmbeddedStore({ clock, newId: randomUUID, pollMs: 50 });
    first = await openBed({}, embedded.store);
    const store = createTableStore({ items: embedded.table, clock, newId: randomUUID, pollMs: 50 });
    second = await openBed({ isKept: true }, store);
  });

  afterAll(async () => {
    await Promise.all([first.close(), second.close()]);
    await embedded.close();
  });

  test('show at once what was written through the other', async () => {
    const [here, there] = [first.place('at-once'), second.place('at-once')];
    expect(await here.run('create -f -', { stdin: named('orders') })).toEqual(
      done(`${BASTION}/orders created`),
    );
    expect(await there.run('get bastion orders -o name')).toEqual(done(`${BASTION}/orders`));
    expect(await there.run(`patch bastion orders --type=merge -p '{"spec":{"ttl":"5h"}}'`)).toEqual(
      done(`${BASTION}/orders patched`),
    );
    expect((await here.run("get bastion orders -o jsonpath='{.spec.ttl}'")).stdout).toBe('5h');
  });

  test('tell of what was written through the other', async () => {
    const [here, there] = [first.place('told'), second.place('told')];
    await here.run('create -f -', { stdin: named('a') });
    const watching = there.follow('get bastions -w -o name');
    await watching.shows(`${BASTION}/a\n`);
    await here.run('create -f -', { stdin: named('b') });
    await watching.shows(`${BASTION}/b\n`);
    await here.run('create -f -', { stdin: named('c') });
    await watching.shows(`${BASTION}/c\n`);
    await watching.stop();
    expect(watching.stdout()).toBe(`${BASTION}/a\n${BASTION}/b\n${BASTION}/c\n`);
  });

  test('do not let each other overwrite what they have not seen', async () => {
    const [here, there] = [first.place('pinned'), second.place('pinned')];
    await here.run('create -f -', { stdin: named('orders') });
    const { stdout } = await there.run('get bastion orders -o json');
    await here.run('label bastion orders team=a');
    const { code, stderr } = await there.run('replace -f -', { stdin: stdout });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on ${BASTIONS} "orders": the object has been modified; please apply your changes to the latest version and try again\n`,
    );
  });

  test('wait for what goes through the other', async () => {
    const [here, there] = [first.place('going'), second.place('going')];
    await here.run('create -f -', { stdin: named('orders') });
    // Only the first one lets go what is deleted.
    const { code, stdout } = await there.run('delete bastion orders --timeout=40s');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('"orders" deleted') });
    expect((await here.run('get bastion orders')).code).toBe(1);
  });
});

describe('a server that is started again', () => {
  test('ends what follows it, and goes on where it was', async () => {
    const subject = createMemorySubject();
    const bed = await openBed({}, subject.open());
    const { run, follow, namespace } = bed.place();
    await make(bed.api, namespace, named('a'));
    const watching = follow('get bastions -w -o name');
    await watching.shows(`${BASTION}/a\n`);
    await bed.served.close();
    // As with Kubernetes: when its server goes, `get -w` ends in peace, and says so in its log at most.
    expect((await watching.ended()).code).toBe(0);
    const { code, stderr } = await run('get bastions');
    expect(code).toBe(1);
    expect(stderr).toContain('was refused - did you specify the right host or port?');

    const again = await serve(bed.api, { port: Number(new URL(bed.url).port) });
    expect(await run('get bastions -o name')).toEqual(done(`${BASTION}/a`));
    const anew = follow('get bastions -w -o name');
    await anew.shows(`${BASTION}/a\n`);
    await run('create -f -', { stdin: named('b') });
    await anew.shows(`${BASTION}/b\n`);
    await anew.stop();
    await again.close();
    await bed.close().catch(() => {});
  });

  test('lets a command that waits go on by itself', async () => {
    const bed = await openBed();
    const { follow, namespace } = bed.place();
    await make(bed.api, namespace, named('a'));
    const waiting = follow("wait --for=jsonpath='{.spec.ttl}'=5h bastion/a --timeout=40s");
    await bed.watched(namespace);
    await bed.served.close();
    const again = await serve(bed.api, { port: Number(new URL(bed.url).port) });
    await bed.api.bastions.patch(namespace, 'a', { spec: { ttl: '5h' } });
    const { code, stdout } = await waiting.ended();
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${BASTION}/a condition met\n` });
    await again.close();
    await bed.close().catch(() => {});
  });

  test('shows the very same list as before', async () => {
    const subject = createMemorySubject();
    const bed = await openBed({}, subject.open());
    const { run, namespace } = bed.place();
    for (const name of ['a', 'b', 'c']) await make(bed.api, namespace, named(name));
    const versions = async () =>
      cells(await run('get bastions -o custom-columns=N:.metadata.name,V:.metadata.resourceVersion'));
    const before = await versions();
    const other = await serve(bed.api);
    await eventually(async () => {
      const { code } = await run(`get bastions -s ${other.url}`);
      expect(code).toBe(0);
    });
    expect(await versions()).toEqual(before);
    await other.close();
    await bed.close();
  });
});
