import { describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { done, failed, type Reply, refused } from './kubectl.ts';
import { BASTION, BASTIONS, labelled, make, named } from './manifests.ts';

const bed = useBed();
const HOLD = { finalizers: ['example.com/hold'] };

/** kubectl 1.33 and newer name the namespace behind it. */
function deleted(...names: readonly string[]) {
  const lines = names.map((name) => `${BASTION} "${name}" deleted( from \\S+ namespace)?\n`);
  return expect.stringMatching(new RegExp(`^${lines.join('')}$`));
}

const well = (stdout: unknown): Reply => ({ code: 0, stdout, stderr: '' }) as Reply;

async function place(...manifests: Parameters<typeof make>[2][]) {
  const place = bed().place();
  for (const manifest of manifests) await make(bed().api, place.namespace, manifest);
  const names = async () =>
    (await place.run('get bastions -o name')).stdout.replaceAll(`${BASTION}/`, '').trim();
  return { ...place, names };
}

describe('delete', () => {
  test('waits until it is gone', async () => {
    const { run, names } = await place(named('orders'));
    expect(await run('delete bastion orders')).toEqual(well(deleted('orders')));
    expect(await names()).toBe('');
  });

  test('takes several names and TYPE/NAME', async () => {
    const { run, names } = await place(named('a'), named('b'), named('c'));
    expect(await run('delete bastion a b')).toEqual(well(deleted('a', 'b')));
    expect(await run('delete bst/c')).toEqual(well(deleted('c')));
    expect(await names()).toBe('');
  });

  test('takes a selector', async () => {
    const { run, names } = await place(labelled('a', { team: 'a' }), labelled('b', { team: 'b' }));
    expect(await run('delete bastions -l team=a')).toEqual(well(deleted('a')));
    expect(await names()).toBe('b');
    expect(await run('delete bastions -l team=a')).toEqual(done('No resources found'));
  });

  test('takes a field selector', async () => {
    const { run, names } = await place(named('a'), named('b'));
    expect(await run('delete bastions --field-selector metadata.name=a')).toEqual(well(deleted('a')));
    expect(await names()).toBe('b');
  });

  test('takes all', async () => {
    const { run, names } = await place(named('a'), named('b'));
    expect(await run('delete bastions --all')).toEqual(well(deleted('a', 'b')));
    expect(await names()).toBe('');
  });

  test('takes a file', async () => {
    const { run } = await place(named('a'));
    expect(await run('delete -f -', { stdin: named('a') })).toEqual(well(deleted('a')));
    expect(await run('delete -f -', { stdin: named('a') })).toEqual(
      failed(`Error from server (NotFound): error when deleting "STDIN": ${BASTIONS} "a" not found`),
    );
  });

  test('does not find what is not there', async () => {
    const { run } = await place();
    expect(await run('delete bastion nope')).toEqual(refused('NotFound', `${BASTIONS} "nope" not found`));
    expect(await run('delete bastion nope --ignore-not-found')).toEqual(done());
  });

  test('is tried by the server', async () => {
    const { run, names } = await place(named('a'));
    const { code, stdout } = await run('delete bastion a --dry-run=server');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^bastion\.bastion-operator\.dev "a" deleted.* \(server dry run\)\n$/),
    });
    expect(await names()).toBe('a');
    expect((await run("get bastion a -o jsonpath='{.metadata.deletionTimestamp}'")).stdout).toBe('');
  });

  test.each(['foreground', 'background', 'orphan'])('goes with --cascade=%s too', async (cascade) => {
    const { run, names } = await place(named('a'));
    expect(await run(`delete bastion a --cascade=${cascade}`)).toEqual(well(deleted('a')));
    expect(await names()).toBe('');
  });

  test('goes with --now and without grace', async () => {
    const { run } = await place(named('a'), named('b'));
    expect(await run('delete bastion a --now')).toEqual(well(deleted('a')));
    const { code, stdout } = await run('delete bastion b --force --grace-period=0');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('"b" force deleted') });
  });
});

describe('delete of what somebody holds', () => {
  test('marks it and does not wait when told so', async () => {
    const { run } = await place(named('a', {}, HOLD));
    expect(await run('delete bastion a --wait=false')).toEqual(well(deleted('a')));
    expect((await run("get bastion a -o jsonpath='{.metadata.deletionTimestamp}'")).stdout).toMatch(
      /^20\d\d-/,
    );
  });

  test('waits until the last finalizer is gone', async () => {
    const { run, follow, names } = await place(named('a', {}, HOLD));
    const deleting = follow('delete bastion a');
    await deleting.shows('"a" deleted');
    expect(await names()).toBe('a');
    expect(await run(`patch bastion a --type=merge -p '{"metadata":{"finalizers":null}}'`)).toEqual(
      done(`${BASTION}/a patched`),
    );
    expect(await deleting.ended()).toEqual(well(deleted('a')));
    expect(await names()).toBe('');
  });

  test('gives up after a while', async () => {
    const { run } = await place(named('a', {}, HOLD));
    const { code, stderr } = await run('delete bastion a --timeout=2s');
    expect(code).toBe(1);
    // Its log may tell before that of the watch that it has just ended itself.
    expect(stderr).toMatch(/(^|\n)error: timed out waiting for the condition on bastions\/a\n$/);
  });

  test('refuses another finalizer while it is being deleted', async () => {
    const { run } = await place(named('a', {}, HOLD));
    await run('delete bastion a --wait=false');
    const patch = JSON.stringify({ metadata: { finalizers: [...HOLD.finalizers, 'example.com/more'] } });
    const { code, stderr } = await run(`patch bastion a --type=merge -p '${patch}'`);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'metadata.finalizers: no new finalizers can be added if the object is being deleted',
    );
  });

  test('can be asked for twice', async () => {
    const { run } = await place(named('a', {}, HOLD));
    await run('delete bastion a --wait=false');
    const read = async () =>
      (await run("get bastion a -o jsonpath='{.metadata.deletionTimestamp} {.metadata.generation}'")).stdout;
    const first = await read();
    expect(await run('delete bastion a --wait=false')).toEqual(well(deleted('a')));
    expect(await read()).toBe(first);
  });
});
