import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rfc3339 } from '../../machinery/clock.ts';
import { objectName } from '../../machinery/object.ts';
import type { ControllerState } from '../../reconcile/manager.ts';
import { redactFields } from './redact.ts';

/** What those who help need to know: names and what was planned, never a spec, an environment or a secret. */
export function dumpOf({ queue, scopes, bastions, ...state }: ControllerState, now: number): object {
  // What AWS or a library says of a failure may quote more than it should.
  return redactFields({
    time: rfc3339(now),
    ...state,
    queue: [...queue].sort((a, b) => a.dueInMs - b.dueInMs),
    scopes: scopes.map(([scope, { at, ...record }]) => ({ scope, at: rfc3339(at), ...record })),
    bastions: bastions.map((bastion) => ({
      name: objectName(bastion),
      phase: bastion.status?.phase,
      generation: bastion.metadata.generation,
      observedGeneration: bastion.status?.observedGeneration,
      activatedAt: bastion.status?.activatedAt,
      expiresAt: bastion.status?.expiresAt,
      deletionTimestamp: bastion.metadata.deletionTimestamp,
    })),
  });
}

/** @returns the path of the new file, which only this user can read */
export async function writeDump(state: ControllerState, now: number, dataDir: string): Promise<string> {
  const path = join(dataDir, `dump-${process.pid}-${rfc3339(now).replaceAll(':', '')}.json`);
  await writeFile(`${path}.draft`, `${JSON.stringify(dumpOf(state, now), null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.draft`, path);
  return path;
}
