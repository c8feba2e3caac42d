import { describe, expect, it, onTestFinished } from 'vitest';
import type { BastionStatus } from '../../../controller/api/bastion.ts';
import type { LogLine, LogQuery, TaskLogs } from '../../../controller/api/task-logs.ts';
import { ApiError } from '../../../controller/machinery/api-error.ts';
import { sample } from '../../api/sample.ts';
import { settle } from '../../clock.ts';
import { createFixture } from '../../server/fixture.ts';
import { createRig } from '../rig.ts';

const ARN = 'arn:aws:ecs:ap-northeast-1:111122223333:task/bastion-test/0123456789abcdef0123456789abcdef';
const LOG = '/api/v1/namespaces/default/pods/orders/log';
const RUNNING: BastionStatus = {
  resources: [{ kind: 'task', key: 'task/default/orders', id: ARN, state: 'Ready' }],
};
const AT = Date.parse('2026-11-23T09:00:00.250Z');

/** Writes what it is asked, then two lines, then whatever `more` does. */
function fakeLogs(more?: (signal: AbortSignal) => AsyncIterable<LogLine>) {
  const asked: LogQuery[] = [];
  const taskLogs: TaskLogs = {
    async *read(_bastion, query, signal) {
      asked.push(query);
      yield { atMs: AT, text: 'one' };
      yield { atMs: AT + 1_000, text: 'two' };
      if (more) yield* more(signal);
    },
  };
  return { asked, taskLogs };
}

async function start(taskLogs: TaskLogs | undefined, status: BastionStatus | undefined = RUNNING) {
  const rig = await createRig({ taskLogs });
  onTestFinished(() => rig.close());
  const bastion = await rig.api.bastions.create(sample());
  if (status) await rig.api.bastions.updateStatus({ ...bastion, status });
  return rig;
}

describe('the log of a pod', () => {
  it('is text, line by line, with their times if asked for', async () => {
    const { call } = await start(fakeLogs().taskLogs);
    const plain = await call('GET', LOG);
    expect([plain.code, plain.headers['content-type'], plain.text]).toEqual([
      ...[200, 'text/plain; charset=utf-8', 'one\ntwo\n'],
    ]);
    expect((await call('GET', `${LOG}?timestamps=true&container=bastion`)).text).toBe(
      '2026-11-23T09:00:00.250Z one\n2026-11-23T09:00:01.250Z two\n',
    );
    expect((await call('GET', `${LOG}?limitBytes=5`)).text).toBe('one\nt');
  });

  it('is not looked for under a name that no Bastion can have', async () => {
    const { api } = createFixture();
    const get = () => Promise.reject(new Error('the store bears no such key'));
    const rig = await createRig({ api: { ...api, bastions: { ...api.bastions, get } } });
    onTestFinished(() => rig.close());
    const long = '%E2%82%AC'.repeat(80);
    for (const way of ['log', 'exec', 'attach', 'portforward']) {
      const { json } = await rig.call('GET', `/api/v1/namespaces/${long}/pods/${long}/${way}`);
      expect(json).toMatchObject({ code: 404, message: expect.stringMatching(/^pods ".*" not found$/) });
    }
  });

  it('is asked for as the client asked', async () => {
    const { asked, taskLogs } = fakeLogs();
    const { call, clock } = await start(taskLogs);
    await call('GET', `${LOG}?follow=true&tailLines=7&sinceSeconds=60`);
    await call('GET', `${LOG}?sinceTime=2026-11-23T08:00:00Z&tailLines=0`);
    expect(asked).toEqual([
      { isFollowed: true, isPrevious: false, tailLines: 7, sinceMs: clock.now() - 60_000 },
      { isFollowed: false, isPrevious: false, tailLines: 0, sinceMs: Date.parse('2026-11-23T08:00:00Z') },
    ]);
  });

  it.each([
    ['tailLines=-1', 422, 'tailLines: Invalid value: "-1"'],
    ['sinceSeconds=0', 422, 'sinceSeconds: Invalid value: "0"'],
    ['sinceTime=yesterday', 422, 'sinceTime: Invalid value: "yesterday"'],
    ['sinceSeconds=1&sinceTime=2026-11-23T08:00:00Z', 422, 'at most one of'],
    ['container=web', 400, 'container web is not valid for pod orders'],
    ['previous=true', 400, 'previous terminated container "bastion" in pod "orders" not found'],
  ])('is not read for ?%s', async (query, code, message) => {
    const { call } = await start(fakeLogs().taskLogs);
    expect((await call('GET', `${LOG}?${query}`)).json).toMatchObject({
      ...{ code, message: expect.stringContaining(message) },
    });
  });

  it('is not there before the task runs, and the answer says what it waits for', async () => {
    const waiting = { ...RUNNING.resources?.[0], state: 'Pending', message: 'task is PENDING' };
    const status = { resources: [waiting] } as BastionStatus;
    const { call } = await start(fakeLogs().taskLogs, status);
    expect((await call('GET', LOG)).json).toMatchObject({
      code: 400,
      message: 'container "bastion" in pod "orders" is waiting to start: ContainerCreating (task is PENDING)',
    });
    const { call: callOther } = await start(fakeLogs().taskLogs, { phase: 'Expired' });
    expect((await callOther('GET', LOG)).json).toMatchObject({
      ...{ code: 404, message: 'pods "orders" not found: bastion "orders" has no task (Expired)' },
    });
  });

  it('fails as a Status while nothing was sent, and in its last line after that', async () => {
    const failing = (fail: Error): TaskLogs => ({
      // biome-ignore lint/correctness/useYield: it fails before its first line
      async *read() {
        throw fail;
      },
    });
    const denied = await start(failing(new ApiError('Forbidden', 'allow logs:GetLogEvents')));
    expect((await denied.call('GET', LOG)).json).toMatchObject({ code: 403, reason: 'Forbidden' });
    const broken = await start(failing(new Error('a secret detail')));
    expect((await broken.call('GET', LOG)).json).toMatchObject({ code: 500 });
    expect(broken.failures).toHaveLength(1);
    const late = fakeLogs(async function* () {
      throw new ApiError('Unavailable', 'AWS is away');
      // biome-ignore lint/correctness/noUnreachable: what makes it a generator
      yield { atMs: 0, text: '' };
    });
    const { call } = await start(late.taskLogs);
    expect((await call('GET', LOG)).text).toBe('one\ntwo\nerror: the log ends here: AWS is away\n');
  });

  it('says where else to ask when this server cannot look at AWS', async () => {
    const { call } = await start(undefined);
    const { json } = await call('GET', LOG);
    expect(json['message']).toContain('cannot look at AWS');
    expect(json['code']).toBeGreaterThanOrEqual(400);
  });

  it('ends for the source when the server closes', async () => {
    let begun = false;
    let ended = false;
    const { taskLogs } = fakeLogs(async function* (signal) {
      begun = true;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      ended = true;
      yield { atMs: 0, text: 'never sent' };
    });
    const { call, close } = await start(taskLogs);
    const followed = call('GET', `${LOG}?follow=true`);
    for (let turn = 0; turn < 5_000 && !begun; turn++) await settle();
    await close();
    expect((await followed).text).toBe('one\ntwo\n');
    expect(ended).toBe(true);
  });
});
