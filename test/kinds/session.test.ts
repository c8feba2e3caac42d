import { expect, it } from 'vitest';
import { TAG } from '../../controller/aws/tags.ts';
import { startHarness } from '../reconcile/harness.ts';
import { HYBRID, listed, readyBed } from './bed.ts';

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
  for (const task of theirs.simulator.ecs.tasks()) task.tags.delete(TAG.installation);
  const ours = startHarness({ clock: theirs.clock, simulator: theirs.simulator });
  expect(await listed(ours, 'session')).toEqual([]);
});
