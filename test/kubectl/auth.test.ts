import { describe, expect, test } from 'vitest';
import { useBed } from './bed.ts';
import { cells, done, failed, refused } from './kubectl.ts';
import { make } from './manifests.ts';

const bed = useBed();

describe('auth', () => {
  const run = (line: string) => bed().place().run(line);

  test('says who asks', async () => {
    expect(cells(await run('auth whoami'))).toEqual([
      ['ATTRIBUTE', 'VALUE'],
      ['Username', 'system:anonymous'],
      ['Groups', '[system:unauthenticated]'],
    ]);
  });

  test.each([
    'create bastions',
    'get bst',
    'patch bastions/orders',
    'list events',
    'get pods --subresource=log',
    'get /version',
  ])('allows: %s', async (what) => {
    expect(await run(`auth can-i ${what}`)).toEqual(done('yes'));
  });

  test.each(['create pods', 'delete namespaces', 'create pods --subresource=exec'])(
    'does not allow: %s',
    async (what) => {
      const { code, stdout } = await run(`auth can-i ${what}`);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^no( - .*)?\n$/);
    },
  );

  test('answers by the exit code alone when told so', async () => {
    expect(await run('auth can-i create bastions -q')).toEqual(done());
    expect(await run('auth can-i create pods -q')).toEqual(failed(''));
  });

  test('warns of a resource that is not there', async () => {
    const { code, stdout, stderr } = await run('auth can-i create bastillons');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "Warning: the server doesn't have a resource type 'bastillons'\n\n",
    });
    expect(stdout).toMatch(/^no( - .*)?\n$/);
  });

  test('lists all that is allowed', async () => {
    const { code, stdout } = await run('auth can-i --list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Resources +Non-Resource URLs +Resource Names +Verbs\n/);
    expect(stdout).toMatch(
      /^bastions\.bastion-operator\.dev +\[\] +\[\] +\[create delete deletecollection get list patch update watch\]$/m,
    );
    expect(stdout).toMatch(/^pods\/log +\[\] +\[\] +\[get\]$/m);
    expect(stdout).toMatch(/^ +\[\/version\] +\[\] +\[get\]$/m);
  });
});

describe('namespaces', () => {
  test('are those that hold something', async () => {
    await make(bed().api, 'inhabited');
    const rows = cells(await bed().kubectl.run('get namespaces'));
    expect(rows[0]).toEqual(['NAME', 'STATUS', 'AGE']);
    expect(rows.map(([name, status]) => [name, status])).toEqual(
      expect.arrayContaining([
        ['default', 'Active'],
        ['inhabited', 'Active'],
      ]),
    );
    expect((await bed().kubectl.run('get ns inhabited -o name')).stdout).toBe('namespace/inhabited\n');
  });

  test('are there as soon as somebody asks for one', async () => {
    const { run } = bed().place('fresh');
    expect(await run('get bastions')).toEqual(done('', 'No resources found in fresh namespace.'));
    expect((await run('get namespace fresh -o name')).stdout).toBe('namespace/fresh\n');
  });

  test('need nobody to make them, and nobody can', async () => {
    const { kubectl } = bed();
    const text =
      'the server does not allow this method on the requested resource: namespaces are read-only here; any namespace may be used at once, with -n or metadata.namespace: none needs to be created';
    expect(await kubectl.run('create namespace more')).toEqual(refused('MethodNotAllowed', text));
    expect(await kubectl.run('delete namespace default')).toEqual(refused('MethodNotAllowed', text));
  });
});
