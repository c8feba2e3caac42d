import { type Bastion, condition } from '../../api/bastion.ts';
import { formatDuration } from '../../machinery/duration.ts';
import { objectName } from '../../machinery/object.ts';
import type { Connection } from '../connection.ts';
import { CliError } from '../failure.ts';
import { watchUntil } from '../follow.ts';
import type { CliIo } from '../io.ts';
import { busyWith } from '../progress.ts';
import { command, hopeless, type LifeEnd, type Naming } from './life.ts';
import { createReadyProgress } from './progress.ts';

export interface ReadyWait {
  readonly naming: Naming;
  readonly timeoutMs: number;
}

/** Waits until a Bastion can be used. Undefined when interrupted. @throws CliError when it is in vain, or takes too long */
export async function awaitReady(
  io: CliIo,
  { api }: Pick<Connection, 'api'>,
  { naming, timeoutMs }: ReadyWait,
): Promise<Bastion | undefined> {
  const progress = createReadyProgress(io);
  let bastion = await api.bastions.get(naming.namespace, naming.name);
  const key = objectName(bastion);
  let vain: LifeEnd | undefined;
  const look = (objects: ReadonlyMap<string, Bastion>) => {
    const found = objects.get(key);
    if (!found) {
      vain = {
        reason: 'Deleted',
        message: `bastion "${naming.name}" was deleted`,
        hint: 'apply its manifest again',
      };
      return true;
    }
    bastion = found;
    if (isUsable(found)) return true;
    vain = hopeless(found, naming);
    if (!vain) progress.show(found);
    return vain !== undefined;
  };
  const { clock, signal } = io;
  const waited = await watchUntil(api.bastions, { ...naming }, { clock, signal, timeoutMs, look });
  progress.clear();
  if (vain) throw new CliError(vain.message, vain.hint);
  if (waited === 'interrupted') return undefined;
  if (waited === 'met') return bastion;
  throw new CliError(
    `bastion "${naming.name}" was not ready within ${formatDuration(timeoutMs)}: ${busyWith(bastion)}`,
    `see what it waits for: ${command('describe bastion', naming)}; or look for what is wrong: ${command('doctor', naming)}`,
  );
}

/** There is something to connect to, and it is what the newest spec asks for. */
function isUsable(bastion: Bastion): boolean {
  const { status, metadata, spec } = bastion;
  const ready = condition(bastion, 'Ready');
  if (ready?.status !== 'True' || status?.sessionTarget === undefined) return false;
  if (spec.suspend || metadata.deletionTimestamp !== undefined) return false;
  return (ready.observedGeneration ?? metadata.generation) >= metadata.generation;
}
