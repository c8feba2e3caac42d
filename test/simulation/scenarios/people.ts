import { ANNOTATION } from '../../../controller/api/bastion.ts';
import { confirmedBy } from '../../../controller/api/guard.ts';
import type { World } from '../world.ts';

/** Opens a session as `bastionctl connect` does. @returns its id; undefined when there is nothing to connect to */
export function somebodyConnects(world: World, name: string): string | undefined {
  const target = world.bastions.get(`default/${name}`)?.status?.sessionTarget;
  if (target === undefined) return undefined;
  try {
    const answer = world.simulator.ssm.operations['StartSession']?.({ Target: target });
    const id = String({ ...answer }['SessionId' as never]);
    world.history.add(world.now(), 'user', `opens session ${id} on ${target}`);
    return id;
  } catch (error) {
    world.history.add(
      world.now(),
      'user',
      `cannot connect: ${error instanceof Error ? error.message : error}`,
    );
    return undefined;
  }
}

/** Ends a session that was opened, as the plugin does. */
export function somebodyLeaves(world: World, session: string | undefined): void {
  if (session === undefined) return;
  world.history.add(world.now(), 'user', `ends session ${session}`);
  world.simulator.settle();
  world.simulator.ssm.operations['TerminateSession']?.({ SessionId: session });
}

/** Lets go what guards hold back, as `bastionctl confirm` does. */
async function somebodyConfirms(world: World): Promise<void> {
  for (const { metadata, status } of (await world.api.guards.list()).items) {
    if (status?.token === undefined) continue;
    world.history.add(world.now(), 'user', `confirms ${metadata.name} ${status.token}`);
    const annotations = {
      [ANNOTATION.confirm]: status.token,
      [ANNOTATION.confirmedBy]: confirmedBy(status.token, 'somebody'),
    };
    world.letGo();
    await world.api.guards.patch(metadata.namespace, metadata.name, { metadata: { annotations } });
  }
}

/** Looks at the guards every half a minute and confirms what they then show, as long as there is a reason to. */
export async function somebodyConfirmsUntil(world: World, holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10 && !holds(); turn++) {
    await somebodyConfirms(world);
    await world.run(30_000);
  }
}
