import { describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { rows } from './kubectl.ts';
import { BASTION, labelled, make, named, ready } from './manifests.ts';

const bed = useBed();

describe('get --watch', () => {
  test('shows what is there and then every change', async () => {
    const { follow, run, namespace } = bed().place();
    await make(bed().api, namespace, named('a'));
    const watching = follow('get bastions -w');
    await watching.shows('\na ');
    await run('create -f -', { stdin: named('b') });
    await watching.shows('\nb ');
    const stored = await bed().api.bastions.get(namespace, 'b');
    await bed().api.bastions.updateStatus({ ...stored, ...ready(3_600_000) } as typeof stored);
    await watching.shows('Ready');
    await watching.stop();
    expect(rows(watching.stdout()).map(([name]) => name)).toEqual(['NAME', 'a', 'b', 'b']);
  });

  test('follows one object', async () => {
    const { follow, run, namespace } = bed().place();
    await make(bed().api, namespace, named('a'));
    await make(bed().api, namespace, named('b'));
    const watching = follow("get bastion a -w -o jsonpath='{.metadata.name}={.spec.ttl};'");
    await watching.shows('a=4h;');
    await run(`patch bastion b --type=merge -p '{"spec":{"ttl":"5h"}}'`);
    await run(`patch bastion a --type=merge -p '{"spec":{"ttl":"6h"}}'`);
    await watching.shows('a=6h;');
    await watching.stop();
    expect(watching.stdout()).toBe('a=4h;a=6h;');
  });

  test('names the kinds of events when told to', async () => {
    const { follow, run, namespace } = bed().place();
    await make(bed().api, namespace, named('a'));
    const watching = follow('get bastions -w --output-watch-events');
    await watching.shows('ADDED ');
    await run(`patch bastion a --type=merge -p '{"spec":{"ttl":"5h"}}'`);
    await watching.shows('MODIFIED ');
    await run('delete bastion a');
    await watching.shows('DELETED ');
    await watching.stop();
    const [header, ...events] = rows(watching.stdout());
    expect(header?.slice(0, 2)).toEqual(['EVENT', 'NAME']);
    expect(events[0]?.slice(0, 2)).toEqual(['ADDED', 'a']);
    expect(events.at(-1)?.slice(0, 2)).toEqual(['DELETED', 'a']);
  });

  test('shows changes only when told to', async () => {
    const { follow, run, namespace } = bed().place();
    await make(bed().api, namespace, named('old'));
    const watching = follow('get bastions --watch-only -o name');
    await bed().watched(namespace);
    await run('create -f -', { stdin: named('new') });
    await watching.shows(`${BASTION}/new\n`);
    await watching.stop();
    expect(watching.stdout()).not.toContain('old');
  });

  test('shows who enters a selection and who leaves it', async () => {
    const { follow, run, namespace } = bed().place();
    await make(bed().api, namespace, labelled('a', { team: 'a' }));
    await make(bed().api, namespace, labelled('b', { team: 'b' }));
    const watching = follow(
      'get bastions -l team=a -w --output-watch-events -o custom-columns=EVENT:.type,NAME:.object.metadata.name',
    );
    await watching.shows('ADDED   a');
    await run('label bastion b team=a --overwrite');
    await watching.shows('ADDED   b');
    await run('label bastion a team=c --overwrite');
    await watching.shows('DELETED');
    await watching.stop();
    expect(rows(watching.stdout()).slice(1)).toEqual([
      ['ADDED', 'a'],
      ['ADDED', 'b'],
      ['DELETED', 'a'],
    ]);
  });

  test('ends at once when it has nothing to wait for', async () => {
    const { run } = bed().place();
    const { code, stdout, stderr } = await run('get bastion nope -w');
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Error from server (NotFound): bastions.bastion-operator.dev "nope" not found\n',
    });
  });

  test('shows all namespaces', async () => {
    const { run } = bed().place('everywhere');
    const watching = bed().kubectl.follow('get bastions -A -w -o name --field-selector metadata.name=lonely');
    await run('create -f -', { stdin: named('lonely') });
    await watching.shows(`${BASTION}/lonely`);
    await watching.stop();
  });
});
