import { describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { done, failed, refused } from './kubectl.ts';
import { BASTION, BASTIONS, make, named, ready } from './manifests.ts';

const bed = useBed();
const READY = ready(3_600_000);

async function place(...names: string[]) {
  const place = bed().place();
  for (const name of names) await make(bed().api, place.namespace, named(name));
  return {
    ...place,
    async makeReady(name: string): Promise<void> {
      const stored = await bed().api.bastions.get(place.namespace, name);
      await bed().api.bastions.updateStatus({ ...stored, ...READY } as typeof stored);
    },
  };
}

describe('wait', () => {
  test('is over at once when the condition is met', async () => {
    const { run, makeReady } = await place('orders');
    await makeReady('orders');
    expect(await run('wait --for=condition=Ready bastion/orders --timeout=40s')).toEqual(
      done(`${BASTION}/orders condition met`),
    );
  });

  test('is over when the condition comes', async () => {
    const { follow, makeReady, namespace } = await place('orders');
    const waiting = follow('wait --for=condition=Ready bastion/orders --timeout=40s');
    await bed().watched(namespace);
    await makeReady('orders');
    expect(await waiting.ended()).toEqual(done(`${BASTION}/orders condition met`));
  });

  test('waits for several', async () => {
    const { follow, makeReady } = await place('a', 'b');
    const waiting = follow('wait --for=condition=Ready bastions --all --timeout=40s');
    await makeReady('b');
    await makeReady('a');
    expect(await waiting.ended()).toEqual(done(`${BASTION}/a condition met\n${BASTION}/b condition met`));
  });

  test('gives up after a while', async () => {
    const { run } = await place('orders');
    expect(await run('wait --for=condition=Ready bastion/orders --timeout=1s')).toEqual(
      failed('error: timed out waiting for the condition on bastions/orders'),
    );
  });

  test('takes a field of the object', async () => {
    const { follow, makeReady } = await place('orders');
    const waiting = follow("wait --for=jsonpath='{.status.phase}'=Ready bastion/orders --timeout=40s");
    await makeReady('orders');
    expect(await waiting.ended()).toEqual(done(`${BASTION}/orders condition met`));
  });

  test('waits for the end of an object', async () => {
    const { follow, run, namespace } = await place('orders');
    const waiting = follow('wait --for=delete bastion/orders --timeout=40s');
    await bed().watched(namespace);
    await run('delete bastion orders --wait=false');
    expect(await waiting.ended()).toEqual(done(`${BASTION}/orders condition met`));
  });

  test('takes the end of what is not there for reached', async () => {
    const { run } = await place();
    expect(await run('wait --for=delete bastion/orders --timeout=40s')).toMatchObject({ code: 0 });
  });

  test('does not find what is not there', async () => {
    const { run } = await place();
    expect(await run('wait --for=condition=Ready bastion/orders --timeout=40s')).toEqual(
      refused('NotFound', `${BASTIONS} "orders" not found`),
    );
  });
});
