import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from 'vitest';
import type { Bastion, BastionStatus } from '../../controller/api/bastion.ts';
import type { LogLine, LogQuery } from '../../controller/api/task-logs.ts';
import { connect } from '../../controller/aws/clients.ts';
import { createTaskLogs } from '../../controller/aws/task-logs.ts';
import { ApiError } from '../../controller/machinery/api-error.ts';
import { sample } from '../api/sample.ts';
import { settle } from '../clock.ts';
import { readyBed } from '../kinds/bed.ts';
import { ACCOUNT, REGION, startSimulator } from '../simulator/clients.ts';

const ARN = `arn:aws:ecs:${REGION}:${ACCOUNT}:task/bastion-test/0123456789abcdef0123456789abcdef`;
const EARLIER = ARN.replace('0123', '9999');
const GROUP = '/bastion-operator/test';
const ALL: LogQuery = { isFollowed: false, isPrevious: false };

/** A Bastion whose task runs, and one of its before. */
function bastion(status: BastionStatus = {}): Bastion {
  const task = { kind: 'task', key: 'task/default/orders', id: ARN, state: 'Ready' };
  return { ...(sample() as unknown as Bastion), status: { resources: [task], ...status } };
}

async function setUp(lines = 0) {
  const bed = startSimulator();
  const { clock, simulator, logs } = bed;
  const connection = {
    requestHandler: simulator.requestHandler,
    credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
  };
  const taskLogs = createTaskLogs({
    connect: (place) => connect({ connection, clock, scope: { ...place, installation: 'test' } })(),
    installation: 'test',
    clock,
  });
  const put = (messages: readonly string[], arn = ARN) =>
    logs.send(
      new PutLogEventsCommand({
        ...{ logGroupName: GROUP, logStreamName: streamOf(arn) },
        logEvents: messages.map((message, index) => ({ timestamp: clock.now() + index, message })),
      }),
    );
  const addStream = (arn = ARN) =>
    logs.send(new CreateLogStreamCommand({ logGroupName: GROUP, logStreamName: streamOf(arn) }));
  await logs.send(new CreateLogGroupCommand({ logGroupName: GROUP }));
  if (lines > 0) {
    await addStream();
    await put(Array.from({ length: lines }, (_, index) => `line ${index}`));
  }
  const read = async (query: Partial<LogQuery> = {}, of = bastion()) =>
    texts(await collect(taskLogs.read(of, { ...ALL, ...query }, new AbortController().signal)));
  return { ...bed, taskLogs, put, addStream, read };
}

const streamOf = (arn: string) => `bastion/bastion/${arn.split('/').at(-1)}`;
const texts = (lines: readonly LogLine[]) => lines.map(({ text }) => text);

async function collect(lines: AsyncIterable<LogLine>, into: LogLine[] = []): Promise<LogLine[]> {
  for await (const line of lines) into.push(line);
  return into;
}

/** The SDK's first call loads what it needs from disk, which takes its time. */
async function until(holds: () => boolean, meanwhile: () => Promise<void> = () => settle()): Promise<void> {
  for (let tries = 0; tries < 2_000 && !holds(); tries++) {
    await meanwhile();
    await settle();
  }
  expect(holds()).toBe(true);
}

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof ApiError ? `${error.reason}: ${error.message}` : String(error);
  }
  return 'no failure';
}

describe('the log of a task', () => {
  it('is read to its end, however many pages it has', async () => {
    const { read, simulator } = await setUp(25_000);
    const found = await read();
    expect([found.length, found[0], found.at(-1)]).toEqual([25_000, 'line 0', 'line 24999']);
    // Three full pages, and one that tells that there is no more.
    expect(simulator.calls.count('logs', 'GetLogEvents')).toBe(4);
  });

  it('is read from its end when only the last lines are wanted', async () => {
    const { read, simulator } = await setUp(25_000);
    expect(await read({ tailLines: 3 })).toEqual(['line 24997', 'line 24998', 'line 24999']);
    expect(simulator.calls.count('logs', 'GetLogEvents')).toBe(1);
    expect(await read({ tailLines: 0 })).toEqual([]);
    expect((await read({ tailLines: 12_000 }))[0]).toBe('line 13000');
    expect((await read({ tailLines: 100_000 })).length).toBe(25_000);
  });

  it('begins at a time', async () => {
    const { clock, read } = await setUp(10);
    expect(await read({ sinceMs: clock.now() + 8 })).toEqual(['line 8', 'line 9']);
    expect(await read({ sinceMs: clock.now() + 8, tailLines: 1 })).toEqual(['line 9']);
    expect(await read({ sinceMs: clock.now() + 100, tailLines: 5 })).toEqual([]);
  });

  it('of the task before is another one', async () => {
    const { addStream, put, read } = await setUp(1);
    await addStream(EARLIER);
    await put(['goodbye'], EARLIER);
    const restarted = bastion({ task: { attempt: 1, lastStoppedArn: EARLIER } });
    expect(await read({ isPrevious: true }, restarted)).toEqual(['goodbye']);
    expect(await read({}, restarted)).toEqual(['line 0']);
    expect(await failure(read({ isPrevious: true }))).toMatch(/^NotFound: .*has no earlier task/);
  });

  it('that is not there is NotFound, and one that may not be read Forbidden, saying what to allow', async () => {
    const { read, simulator } = await setUp();
    expect(await failure(read())).toMatch(
      /^NotFound: task 0123.* has no log: log stream bastion\/bastion\/0123/,
    );
    simulator.faults.add({
      service: 'logs',
      operation: 'GetLogEvents',
      code: 'AccessDeniedException',
      status: 400,
    });
    expect(await failure(read())).toMatch(/^Forbidden: .*allow logs:GetLogEvents/);
  });

  it('is waited for when AWS is asked too often', async () => {
    const { clock, read, simulator } = await setUp(2);
    const fault = { service: 'logs', operation: 'GetLogEvents', code: 'ThrottlingException', status: 400 };
    simulator.faults.add({ ...fault, times: 2 });
    const found = read();
    const asked = () => simulator.calls.count('logs', 'GetLogEvents');
    await until(
      () => asked() === 4,
      () => clock.advance(1_000),
    );
    expect(await found).toEqual(['line 0', 'line 1']);
  });
});

describe('a followed log', () => {
  it('goes on with what a running task writes, and ends with the task', async () => {
    const harness = await readyBed();
    const orders = await harness.get('orders');
    const { clock, simulator } = harness;
    const connection = {
      requestHandler: simulator.requestHandler,
      credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
    };
    const { installation } = harness.aws().scope;
    const taskLogs = createTaskLogs({
      connect: (place) => connect({ connection, clock, scope: { ...place, installation } })(),
      ...{ installation, clock },
    });
    const found: LogLine[] = [];
    const stop = new AbortController();
    const done = collect(taskLogs.read(orders, { ...ALL, isFollowed: true }, stop.signal), found);
    await until(() => found.length === 3);
    expect(texts(found)).toEqual([
      expect.stringContaining('bastion: started for default/orders'),
      expect.stringContaining('bastion: ends by itself at'),
      'bastion: the Exec agent is connected',
    ]);
    const Target = orders.status?.sessionTarget;
    simulator.ssm.operations['StartSession']?.({ Target });
    await clock.advance(2_000);
    await until(() => found.length === 4);
    expect(found.at(-1)?.text).toMatch(/^bastion: session operator-\w+ started: SSM-SessionManagerRunShell$/);
    simulator.ecs.retire(orders.status?.resources?.find(({ kind }) => kind === 'task')?.id ?? '');
    let isDone = false;
    void done.then(() => {
      isDone = true;
    });
    await until(
      () => isDone,
      () => clock.advance(5_000),
    );
    expect(texts(found).slice(-2)).toEqual([
      'bastion: SIGTERM: ending sessions, exiting',
      expect.stringMatching(/^bastion: session operator-\w+ ended$/),
    ]);
  });

  it('ends when its reader goes, and asks for nothing more', async () => {
    const { clock, simulator, taskLogs } = await setUp(1);
    const stop = new AbortController();
    const done = collect(taskLogs.read(bastion(), { ...ALL, isFollowed: true }, stop.signal));
    await until(() => simulator.calls.count('logs', 'GetLogEvents') === 2);
    stop.abort();
    expect(texts(await done)).toEqual(['line 0']);
    const asked = simulator.calls.count('logs', 'GetLogEvents');
    await clock.advance(60_000);
    expect(simulator.calls.count('logs', 'GetLogEvents')).toBe(asked);
  });
});
