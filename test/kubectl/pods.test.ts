import { describe, expect, test } from 'vitest';
import type { Bastion } from '../../controller/api/bastion.ts';
import type { TaskLogs } from '../../controller/http/context.ts';
import { ApiError } from '../../controller/machinery/api-error.ts';
import { type Place, useBed } from './bed.ts';
import { cells, done, failed, refused } from './kubectl.ts';
import { make, named, ready } from './manifests.ts';

const START_MS = Date.now() - 3_600_000;
const ARN = 'arn:aws:ecs:eu-west-1:123456789012:task/bastion/0123456789abcdef0123456789abcdef';
const SESSION =
  'a bastion is reached with Session Manager, as yourself: use "bastionctl connect orders", or kubectl through ' +
  `"bastionctl proxy", or aws ssm start-session --target 'ecs:bastion_0123_0123-456'`;

/** A line each ten minutes, the last one now; one more is written once somebody follows. */
const taskLogs: TaskLogs = {
  async *read({ metadata }, { isFollowed, isPrevious, sinceMs = 0, tailLines = Infinity }, signal) {
    if (metadata.name === 'silent') throw new ApiError('NotFound', 'the task has not written anything yet');
    const text = isPrevious ? 'before' : 'line';
    const lines = Array.from({ length: 7 }, (_, index) => ({
      atMs: START_MS + index * 600_000 + 123,
      text: `${text} ${index + 1}`,
    }));
    const shown = lines.filter(({ atMs }) => atMs >= sinceMs);
    yield* shown.slice(Math.max(0, shown.length - tailLines));
    if (!isFollowed) return;
    yield { atMs: START_MS + 3_700_000, text: 'and more' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  },
};

const bed = useBed({ taskLogs });

async function place(state = 'Ready', message = '', name = 'orders'): Promise<Place> {
  const place = bed().place();
  const bastion = await make(bed().api, place.namespace, named(name, {}, { labels: { team: 'a' } }));
  await start(bastion, state, message);
  return place;
}

async function start(bastion: Bastion, state: string, message: string): Promise<void> {
  const { status } = ready(3_600_000, START_MS);
  const resources = [{ kind: 'task', key: `task/${bastion.metadata.name}`, id: ARN, state, message }];
  await bed().api.bastions.updateStatus({ ...bastion, status: { ...status, resources } } as Bastion);
}

describe('pods', () => {
  test('stand for the tasks of Bastions', async () => {
    const { run, namespace } = await place();
    await make(bed().api, namespace, named('without-task'));
    expect(cells(await run('get pods'))).toEqual([
      ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE'],
      ['orders', '1/1', 'Running', '0', '60m'],
    ]);
  });

  test('show the task when wide', async () => {
    const { run } = await place();
    const [header, row] = cells(await run('get pods -o wide'));
    expect(header?.slice(-2)).toEqual(['TASK', 'SESSION-TARGET']);
    expect(row?.slice(-2)).toEqual(['0123456789abcdef0123456789abcdef', 'ecs:bastion_0123_0123-456']);
  });

  test('tell of a task that starts', async () => {
    const { run } = await place('Pending', 'task is PENDING');
    expect(cells(await run('get pods --no-headers'))).toEqual([
      ['orders', '0/1', 'ContainerCreating', '0', '60m'],
    ]);
  });

  test('are selected by the labels of their Bastions', async () => {
    const { run } = await place();
    expect(await run('get pods -l team=a -o name')).toEqual(done('pod/orders'));
    expect(await run('get pods -l team=b -o name')).toEqual(done());
    expect(await run('get pods --field-selector status.phase=Running -o name')).toEqual(done('pod/orders'));
  });

  test('are described', async () => {
    const { run } = await place();
    const { code, stdout } = await run('describe pod orders');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Name: +orders$/m);
    expect(stdout).toMatch(/^Controlled By: +Bastion\/orders$/m);
    expect(stdout).toMatch(/^ {4}Container ID: +ecs:\/\/0123456789abcdef0123456789abcdef$/m);
  });

  test('can be waited for', async () => {
    const { run } = await place();
    expect(await run('wait pod/orders --for=condition=Ready --timeout=40s')).toEqual(
      done('pod/orders condition met'),
    );
  });

  test('are not found where there is no task', async () => {
    const { run } = bed().place();
    expect(await run('get pod orders')).toEqual(refused('NotFound', 'pods "orders" not found'));
  });

  test.each(['delete pod orders', 'label pod orders a=b', 'run more --image=x'])(
    'cannot be changed: %s',
    async (line) => {
      const { run } = await place();
      expect(await run(line)).toEqual(
        refused(
          'MethodNotAllowed',
          "the server does not allow this method on the requested resource: pods are read-only here; a pod stands for a Bastion's task: change or delete the Bastion (bastions.bastion-operator.dev) instead",
        ),
      );
    },
  );
});

describe('logs', () => {
  const all = [1, 2, 3, 4, 5, 6, 7].map((index) => `line ${index}\n`);

  test('are what the task has written', async () => {
    const { run } = await place();
    expect(await run('logs orders')).toEqual(done(all.join('')));
    expect(await run('logs pod/orders -c bastion')).toEqual(done(all.join('')));
  });

  test('are cut to the last lines', async () => {
    const { run } = await place();
    expect(await run('logs orders --tail=2')).toEqual(done('line 6\nline 7'));
    expect(await run('logs orders --tail=0')).toEqual(done());
  });

  test('are cut to what was written since', async () => {
    const { run } = await place();
    expect(await run('logs orders --since=15m')).toEqual(done('line 6\nline 7'));
    const time = new Date(START_MS + 45 * 60_000).toISOString();
    expect(await run(`logs orders --since-time=${time}`)).toEqual(done('line 6\nline 7'));
  });

  test('are cut to so many bytes', async () => {
    const { run } = await place();
    expect((await run('logs orders --limit-bytes=10')).stdout).toBe('line 1\nlin');
  });

  test('say when each line was written', async () => {
    const { run } = await place();
    const { stdout } = await run('logs orders --tail=1 --timestamps');
    const time = new Date(START_MS + 3_600_123).toISOString();
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z line 7\n$/);
    expect(stdout.slice(0, 19)).toBe(time.slice(0, 19));
  });

  test('of the task before are those', async () => {
    const { run, namespace } = await place();
    expect(await run('logs orders --previous')).toEqual(
      refused('BadRequest', 'previous terminated container "bastion" in pod "orders" not found'),
    );
    const stored = await bed().api.bastions.get(namespace, 'orders');
    const task = { attempt: 1, lastStoppedArn: ARN.replace('0123', '4567') };
    await bed().api.bastions.updateStatus({ ...stored, status: { ...stored.status, task } } as Bastion);
    expect(await run('logs orders --previous --tail=1')).toEqual(done('before 7'));
  });

  test('are followed', async () => {
    const { follow } = await place();
    const following = follow('logs orders -f --tail=1');
    await following.shows('line 7\nand more\n');
    await following.stop();
    expect(following.stdout()).toBe('line 7\nand more\n');
  });

  test('are found by a selector', async () => {
    const { run } = await place();
    expect(await run('logs -l team=a --tail=1')).toEqual(done('line 7'));
    expect(await run('logs -l team=a --prefix --tail=1')).toEqual(done('[pod/orders/bastion] line 7'));
  });

  test('are not there without a pod', async () => {
    const { run, namespace } = bed().place();
    // From some version on kubectl words this itself.
    const { code, stderr } = await run('logs nope');
    expect(code).toBe(1);
    const text = `error from server \\(NotFound\\): pods "nope" not found( in namespace "${namespace}")?`;
    expect(stderr).toMatch(new RegExp(`^(error: )?${text}\n$`, 'i'));
  });

  test('are not there before the task has started', async () => {
    const { run } = await place('Pending', 'task is PENDING');
    expect(await run('logs orders')).toEqual(
      refused(
        'BadRequest',
        'container "bastion" in pod "orders" is waiting to start: ContainerCreating (task is PENDING)',
      ),
    );
  });

  test('are not there when nothing was written', async () => {
    const { run } = await place('Ready', '', 'silent');
    expect(await run('logs silent')).toEqual(refused('NotFound', 'the task has not written anything yet'));
  });

  test('of another container are refused', async () => {
    const { run } = await place();
    const { code, stderr } = await run('logs orders -c sidecar');
    expect(code).toBe(1);
    // kubectl 1.31 and newer look for the container themselves.
    expect(stderr).toMatch(/container sidecar is not valid for pod orders/);
  });
});

describe('what kubectl offers for pods and is not served', () => {
  test('exec says how to open a session', async () => {
    const { run } = await place();
    expect(await run('exec orders -- sh')).toEqual(
      refused('MethodNotAllowed', `pods/exec is not served here: ${SESSION}`),
    );
  });

  test('port-forward says how to open a session', async () => {
    const { run } = await place();
    expect(await run('port-forward pod/orders :5432')).toEqual(
      failed(`error: error upgrading connection: pods/portforward is not served here: ${SESSION}`),
    );
  });

  test('attach and cp are refused', async () => {
    const { run } = await place();
    expect((await run('attach orders')).stderr).toContain(
      `Error from server (MethodNotAllowed): pods/attach is not served here: ${SESSION}\n`,
    );
    expect((await run('cp config orders:/tmp/x')).stderr).toContain('pods/exec is not served here');
  });
});

describe('what kubectl offers for workloads', () => {
  const NOT_REGISTERED =
    /^error: no kind "Bastion" is registered for version "bastion-operator\.dev\/v1alpha1" in scheme/;

  test('scale says what to do instead', async () => {
    const { run } = await place();
    expect(await run('scale bastion orders --replicas=0')).toEqual(
      refused(
        'MethodNotAllowed',
        'there are no replicas to scale: a Bastion is opened and closed with its spec.suspend ("bastionctl suspend NAME")',
      ),
    );
  });

  test('autoscale finds nothing to scale', async () => {
    const { run } = await place();
    const { code, stderr } = await run('autoscale bastion orders --max=3');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: cannot autoscale a Bastion: could not find scale subresource for /);
  });

  // kubectl hard-codes the kinds that it takes for these, and asks no server.
  test.each([
    'rollout status bastion/orders',
    'rollout restart bastion/orders',
    'expose bastion orders --port=1',
    'set image bastion/orders a=b',
    'logs bastion/orders',
    'port-forward bastion/orders 1',
  ])('kubectl itself refuses: %s', async (line) => {
    const { run } = await place();
    const { code, stderr } = await run(line);
    expect(code).toBe(1);
    expect(stderr).toMatch(NOT_REGISTERED);
  });

  test.each(['deployments', 'secrets', 'nodes', 'customresourcedefinitions'])(
    'there are no %s',
    async (type) => {
      const { run } = bed().place();
      expect(await run(`get ${type}`)).toEqual(
        failed(`error: the server doesn't have a resource type "${type}"`),
      );
    },
  );
});
