import { DeleteVpcEndpointsCommand, RevokeSecurityGroupEgressCommand } from '@aws-sdk/client-ec2';
import { ListTasksCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import { TAG } from '../../controller/aws/tags.ts';
import type { Pass } from '../../controller/reconcile/reconcile.ts';
import { isOpen, type Rig, totalCalls } from './rig.ts';

export interface Healing {
  readonly name: string;
  readonly ms: number;
  readonly calls: number;
}

const DRIFTS: readonly { readonly name: string; readonly cause: (rig: Rig) => Promise<void> }[] = [
  { name: 'an endpoint is deleted', cause: deleteEndpoint },
  { name: 'a rule is removed', cause: removeRule },
  { name: 'a task is stopped', cause: stopTask },
];

/** Each drift comes right after a resync, so that nothing looks before the next one: the worst case. */
export async function measureDrifts(rig: Rig): Promise<Healing[]> {
  const healed: Healing[] = [];
  for (const { name, cause } of DRIFTS) {
    await rig.settle();
    await cause(rig);
    rig.takeUsage();
    let noticed = false;
    const ms = await rig.runUntil((pass) => {
      noticed ||= hasChanged(pass);
      return noticed && isOpen(pass);
    });
    healed.push({ name, ms, calls: totalCalls(rig.takeUsage()) });
  }
  return healed;
}

function hasChanged({ outcomes }: Pass): boolean {
  return outcomes.some(({ step, result }) => result === 'done' && /^(create|update)$/.test(step.action));
}

async function deleteEndpoint(rig: Rig): Promise<void> {
  const { ec2, reads } = rig.hands();
  const endpoints = await reads.vpcEndpoints();
  const id = endpoints.find(({ ServiceName }) => ServiceName?.endsWith('.ssmmessages'))?.VpcEndpointId ?? '';
  await ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [id] }));
}

async function removeRule(rig: Rig): Promise<void> {
  const { ec2, reads } = rig.hands();
  const group = (await reads.securityGroups()).find(({ Tags }) =>
    Tags?.some(({ Key }) => Key === TAG.bastion),
  );
  const IpPermissions = (group?.IpPermissionsEgress ?? []).slice(0, 1);
  await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: group?.GroupId, IpPermissions }));
}

async function stopTask(rig: Rig): Promise<void> {
  const { ecs, scope } = rig.hands();
  const cluster = `bastion-${scope.installation}`;
  const { taskArns } = await ecs.send(new ListTasksCommand({ cluster }));
  await ecs.send(new StopTaskCommand({ cluster, task: taskArns?.[0], reason: 'somebody stopped it' }));
}
