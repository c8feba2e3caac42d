import { keyFor } from '../../core/key.ts';
import { objectName } from '../../machinery/object.ts';
import { type Check, ok, problem, type Result, skipped, warning } from '../check.ts';
import type { Picture } from '../picture.ts';
import { absent, repair } from './common.ts';

const group = 'Systems Manager';

export const SYSTEMS_MANAGER_CHECKS: readonly Check[] = [
  { name: 'activation-tier', group, needs: ['tier'], run: (picture) => [tier(picture)] },
  { name: 'activation', group, needs: ['activations', 'nodes'], run: (picture) => [activation(picture)] },
];

const SETTING = '/ssm/managed-instance/activation-tier';

function tier({ bastion, facts }: Picture): Result {
  if (bastion.spec.access.transport === 'EcsExec') return skipped('EcsExec needs no tier');
  if (facts.activationTier === 'advanced') return ok('advanced');
  return problem(
    `Session Manager to managed nodes needs the advanced-instances tier, and ${facts.region} has "${facts.activationTier}"`,
    `aws ssm update-service-setting --setting-id ${SETTING} --setting-value advanced (it bills every hybrid node); or spec.access.transport: EcsExec`,
  );
}

function activation(picture: Picture): Result {
  const { transport, activation: wanted } = picture.bastion.spec.access;
  if (transport === 'EcsExec') return skipped('EcsExec needs none');
  const owner = objectName(picture.bastion);
  const key = keyFor.activation(owner);
  const found = picture.lookup(key);
  if (wanted?.issuer === 'Task') {
    return ok(found ? `${found.id}, made by the task` : 'the task makes it when it starts');
  }
  if (!found) return absent(picture, key, 'the activation');
  const { usedUp, activationId, parameterName } = (found.detail ?? {}) as Partial<{
    usedUp: boolean;
    activationId: string;
    parameterName: string;
  }>;
  const fix = `${repair(picture)} (it makes another activation)`;
  if (activationId === undefined) return problem('the activation of the stored code is gone', fix);
  if (parameterName === undefined) return problem(`the code of activation ${activationId} is lost`, fix);
  if (!usedUp) return ok(`${activationId} is alive`);
  const text = `activation ${activationId} has expired, or has no registrations left`;
  // A node that is online needs no code any more; the next task does.
  const isOnline = picture.lookup(keyFor.managedInstance(owner))?.state === 'ready';
  return isOnline ? warning(text, fix) : problem(text, fix);
}
