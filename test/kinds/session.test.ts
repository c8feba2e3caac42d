import { expect, it } from 'vitest';
import { startHarness } from '../reconcile/harness.ts';
import { HYBRID, kindNamed, listed, readyBed } from './bed.ts';

it("finds people's sessions on tasks and nodes of ours", async () => {
  for (const spec of [{}, HYBRID]) {
    const harness = await readyBed(spec);
    const Target = (await harness.get('orders')).status?.sessionTarget;
    harness.simulator.ssm.operations['StartSession']?.({ Target });
    expect(await listed(harness, 'session')).toMatchObject([{ key: `session/${Target}`, owned: true }]);
  }
});

it("leaves sessions in somebody else's cluster of our name alone", async () => {
  const theirs = await readyBed();
  const Target = (await theirs.get('orders')).status?.sessionTarget;
  theirs.simulator.ssm.operations['StartSession']?.({ Target });
  for (const task of theirs.simulator.ecs.tasks()) {
    task.tags.clear();
    const definition = {
      ...task.definition,
      family: 'web',
      arn: task.definition.arn.replace(/bastion-test-\w+/, 'web'),
    };
    Object.assign(task, { startedBy: 'somebody', overrides: {}, definition });
  }
  const ours = startHarness({ clock: theirs.clock, simulator: theirs.simulator });
  expect(await listed(ours, 'session')).toEqual([]);
});

it('lists those that have ended only when asked, as nothing that could be ended again', async () => {
  const harness = await readyBed();
  const Target = (await harness.get('orders')).status?.sessionTarget;
  const startedAt = harness.clock.now();
  const operations = harness.simulator.ssm.operations;
  const answer = operations['StartSession']?.({ Target }) as { SessionId: string };
  await harness.clock.advance(20_000);
  harness.simulator.settle();
  operations['TerminateSession']?.({ SessionId: answer.SessionId });
  const list = (endedSince?: number) => kindNamed('session').list(harness.aws(), undefined, endedSince);
  expect(await list()).toEqual([]);
  expect(await list(startedAt + 5_000)).toEqual([]);
  expect(await list(startedAt - 5_000)).toMatchObject([
    { id: answer.SessionId, state: 'gone', owned: false, end: { at: harness.clock.now(), failed: false } },
  ]);
});
