import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { done, failed, type Reply } from './kubectl.ts';
import { make, named } from './manifests.ts';

const bed = useBed();

/** What was taken away and what was put in; the headers name temporary files and times. */
function changes({ stdout }: Reply): string[] {
  return stdout.split('\n').filter((line) => /^[-+](?![-+]{2} )/.test(line));
}

describe.each(['', ' --server-side'])('diff%s', (mode) => {
  test('finds nothing where nothing changes', async () => {
    const { run } = bed().place();
    await run(`apply${mode} -f -`, { stdin: named('orders') });
    expect(await run(`diff${mode} -f -`, { stdin: named('orders') })).toEqual(done());
  });

  test('shows what would change and changes nothing', async () => {
    const { run } = bed().place();
    await run(`apply${mode} -f -`, { stdin: named('orders') });
    const reply = await run(`diff${mode} -f -`, { stdin: named('orders', { ttl: '5h' }) });
    expect({ code: reply.code, stderr: reply.stderr }).toEqual({ code: 1, stderr: '' });
    expect(changes(reply)).toEqual(['-  generation: 1', '+  generation: 2', '-  ttl: 4h', '+  ttl: 5h']);
    expect((await run("get bastion orders -o jsonpath='{.spec.ttl}'")).stdout).toBe('4h');
  });

  test('shows an object that is not there yet', async () => {
    const { run } = bed().place();
    const reply = await run(`diff${mode} -f -`, { stdin: named('orders') });
    expect(reply.code).toBe(1);
    expect(changes(reply)).toEqual(
      expect.arrayContaining(['+kind: Bastion', '+  ttl: 4h', '+    transport: EcsExec']),
    );
    expect(changes(reply).filter((line) => line.startsWith('-'))).toEqual([]);
    expect((await run('get bastion orders')).code).toBe(1);
  });

  test('tells a failure from a difference', async () => {
    const { run } = bed().place();
    const { code, stdout, stderr } = await run(`diff${mode} -f -`, { stdin: named('orders', { ttl: '1m' }) });
    expect(code).toBeGreaterThan(0);
    expect(stdout).toBe('');
    expect(stderr).toContain('spec.ttl: found "1m", allowed: from 5m to 168h');
  });
});

describe('edit', () => {
  /** An editor that does what a person would: it changes the file that it is given. */
  const editor = (script: string) => ({ env: { KUBE_EDITOR: `sed -i.bak -e ${script}` } });

  test('writes what was changed', async () => {
    const { run, namespace } = bed().place();
    await make(bed().api, namespace);
    expect(await run('edit bastion orders', editor('s/ttl:.4h/ttl:\\ 6h/'))).toEqual(
      done('bastion.bastion-operator.dev/orders edited'),
    );
    expect((await run("get bastion orders -o jsonpath='{.spec.ttl}'")).stdout).toBe('6h');
  });

  test('leaves alone what was not changed', async () => {
    const { run, namespace } = bed().place();
    await make(bed().api, namespace);
    expect(await run('edit bastion orders', editor('s/nothing/nothing/'))).toEqual(
      done('', 'Edit cancelled, no changes made.'),
    );
  });

  test('opens again what is invalid, and keeps it when it is given up', async () => {
    const { run, namespace, file } = bed().place();
    await make(bed().api, namespace);
    // The second time it finds what is wrong in the comment on top and gives up by changing nothing.
    const script = await file(
      `edit-${namespace}.sh`,
      '[ -f "$0.seen" ] && { cp "$1" "$0.seen"; exit; }\ntouch "$0.seen"\nsed -i.bak "s/ttl: 4h/ttl: 1m/" "$1"\n',
    );
    const { code, stderr } = await run('edit bastion orders', { env: { KUBE_EDITOR: `sh ${script}` } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: bastions\.bastion-operator\.dev "orders" is invalid\n/);
    expect(await readFile(`${script}.seen`, 'utf8')).toContain(
      '# bastions.bastion-operator.dev "orders" was not valid:\n# * spec.ttl: found "1m", allowed: from 5m to 168h\n',
    );
    expect(stderr).toMatch(/A copy of your changes has been stored to "\S+"\n/);
    expect((await run("get bastion orders -o jsonpath='{.spec.ttl}'")).stdout).toBe('4h');
  });

  test('does not find what is not there', async () => {
    const { run } = bed().place();
    expect(await run('edit bastion orders', editor('s/a/b/'))).toEqual(
      failed('Error from server (NotFound): bastions.bastion-operator.dev "orders" not found'),
    );
  });
});
