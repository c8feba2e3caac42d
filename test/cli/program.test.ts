import { describe, expect, it } from 'vitest';
import { follow } from '../../controller/cli/follow.ts';
import { ApiError } from '../../controller/machinery/api-error.ts';
import type { KubeObject } from '../../controller/machinery/object.ts';
import type { ListQuery, Resources, WatchEvent } from '../../controller/machinery/resources.ts';
import { VirtualClock } from '../clock.ts';
import { createCli, sample } from './fixture.ts';

describe('the command line', () => {
  it('suggests the verb or the flag that was meant', async () => {
    const cli = createCli();
    const verb = await cli.run('aply -f x.yaml');
    expect(verb.code).toBe(1);
    expect(verb.err).toContain("error: unknown command 'aply'\n(Did you mean apply?)\n");
    const flag = await cli.run('get --watc');
    expect(flag.code).toBe(1);
    expect(flag.err).toContain("error: unknown option '--watc'\n(Did you mean --watch?)\n");
    expect(cli.connections).toEqual([]);
  });

  it('shows the flags of a command in its help, and those of all commands under options', async () => {
    const { run } = createCli();
    const get = (await run('get --help')).out;
    expect(get).toContain('--watch-only');
    expect(get).not.toContain('--certificate-authority');
    expect(get).toContain(
      'Use "bastionctl options" for a list of global command-line options (applies to all commands).',
    );
    const { code, out } = await run('options');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^The following options can be passed to any command:\n\n {2}-n, --namespace <namespace> /,
    );
    expect(out).toContain('--certificate-authority <file>  Path to the CA certificate of the API server\n');
    expect(out).not.toContain('--watch-only');
  });

  it('shows its verbs without arguments and under --help, and is content', async () => {
    const cli = createCli();
    const { code, out, err } = await cli.run('');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const verbs = [
      'apply',
      'get',
      'describe',
      'events',
      'wait',
      'plan',
      'validate',
      'renew',
      'suspend',
      'resume',
    ];
    for (const verb of [...verbs, 'delete', 'explain']) expect(out).toMatch(new RegExp(`^  ${verb} `, 'm'));
    expect((await cli.run('--help')).out).toBe(out);
    expect(await cli.run('get --help')).toMatchObject({ code: 0, err: '' });
  });

  it('tells its version', async () => {
    expect(await createCli().run('--version')).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  });

  it('passes the connection flags on, before or after the verb', async () => {
    const cli = createCli();
    await cli.run('--table bastions get --region eu-west-1 --aws=real --installation blue --data-dir /tmp/x');
    await cli.run('get');
    expect(cli.connections).toEqual([
      { table: 'bastions', region: 'eu-west-1', aws: 'real', installation: 'blue', dataDir: '/tmp/x' },
      {},
    ]);
  });

  it('reports a connection that fails in one line, without a stack', async () => {
    const cli = createCli();
    cli.world.refuse = new Error('the data directory is locked by process 42');
    expect(await cli.run('get')).toEqual({
      code: 1,
      out: '',
      err: 'error: the data directory is locked by process 42\n',
    });
    cli.world.refuse = new ApiError('Unavailable', 'table bastions does not exist');
    expect((await cli.run('get')).err).toBe(
      'Error from server (Unavailable): table bastions does not exist\n' +
        'hint: check --server, or --table, --region and --data-dir, and your AWS credentials if it is a real table\n',
    );
  });

  it('closes the connection also when a command fails', async () => {
    const cli = createCli();
    await cli.run('get bastion x');
    await cli.run('get bst -l =');
    expect(cli.connections).toHaveLength(2);
    expect(cli.world.open).toBe(0);
  });

  it('takes flags the way kubectl allows them', async () => {
    const cli = createCli();
    await cli.api.bastions.create(sample({}, { namespace: 'team-a' }));
    const name = 'bastion.bastion-operator.dev/orders\n';
    expect((await cli.run('get bst -A=true -oname')).out).toBe(name);
    expect((await cli.run('get bst --all-namespaces=false --namespace=team-a -o=name')).out).toBe(name);
    expect((await cli.run('get bst -w=false -nteam-a --output=name')).out).toBe(name);
  });

  it.each([
    ['get bastion/orders/more', 'must have one type and one name'],
    ['get bastion/orders event/one', 'cannot be mixed'],
    ['get bastion orders -A', 'cannot be retrieved by name across all namespaces'],
    ['get bastion orders -l a=b', 'selectors may not be specified'],
    ['get bastion a b -w', 'only specify a single resource'],
    ['describe event/one', 'works on bastions, not on events'],
    ['wait --for=delete orders --timeout=soon', 'invalid --timeout "soon", allowed: a duration such as 30s'],
    ['wait orders', "required option '--for <what>' not specified"],
  ])('refuses "%s" and says why', async (line, why) => {
    const { code, out, err } = await createCli().run(line);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(why);
  });
});

describe('following a collection', () => {
  function object(name: string, resourceVersion: string): KubeObject {
    const metadata = {
      name,
      namespace: 'default',
      uid: name,
      resourceVersion,
      generation: 1,
      creationTimestamp: '',
    };
    return { apiVersion: 'v1', kind: 'Bastion', metadata };
  }

  /** Each watch in turn yields its changes and ends; the one after the last stops everything. */
  function scripted(
    watches: readonly (readonly WatchEvent<KubeObject>[] | 'expired')[],
    fresh: readonly KubeObject[],
  ) {
    const stop = new AbortController();
    const froms: string[] = [];
    const rest = [...watches];
    const resources = {
      list: async () => ({ items: fresh, resourceVersion: '90' }),
      async *watch({ from }: ListQuery & { readonly from: string }) {
        froms.push(from);
        const next = rest.shift();
        if (next === undefined) stop.abort();
        if (next === 'expired') throw new ApiError('Expired', 'too old');
        yield* next ?? [];
      },
    } as unknown as Resources<KubeObject>;
    return { resources, froms, signal: stop.signal };
  }

  it('finds what it missed by listing again when the watch has fallen too far behind', async () => {
    const { resources, froms, signal } = scripted(
      ['expired'],
      [object('same', '1'), object('new', '8'), object('changed', '9')],
    );
    const start = {
      items: [object('same', '1'), object('changed', '2'), object('gone', '3')],
      resourceVersion: '3',
    };
    const seen: string[] = [];
    const clock = new VirtualClock();
    const done = (async () => {
      for await (const { type, object: found } of follow(resources, {}, start, { clock, signal })) {
        seen.push(`${type} ${found.metadata.name}`);
      }
    })();
    await done;
    expect(seen).toEqual(['DELETED gone', 'ADDED new', 'MODIFIED changed']);
    expect(froms).toEqual(['3', '90']);
  });

  it('goes on from the last change when the server ends a watch, after a pause', async () => {
    const { resources, froms, signal } = scripted([[{ type: 'ADDED', object: object('new', '5') }]], []);
    const clock = new VirtualClock();
    const done = (async () => {
      for await (const _ of follow(resources, {}, { items: [], resourceVersion: '3' }, { clock, signal }));
    })();
    await clock.advance(500);
    expect(froms).toEqual(['3']);
    await clock.advance(500);
    await done;
    expect(froms).toEqual(['3', '5']);
  });
});
