import { objectName } from '../../api/object.ts';
import type { Target } from '../../api/target.ts';
import { contains, isAddress } from '../../core/cidr.ts';
import { keyFor } from '../../core/key.ts';
import { type Check, ok, problem, type Result, unknown, warning } from '../check.ts';
import type { Picture } from '../picture.ts';
import { admitsTask, isRecorded, taskGroupOf, vpcOf } from './common.ts';

const group = 'Targets';

export const TARGET_CHECKS: readonly Check[] = [
  { name: 'target-group', group, needs: ['groups', 'network'], after: ['region'], run: each(targetGroup) },
  { name: 'target-address', group, needs: ['vpcs'], after: ['region', 'vpc-exists'], run: each(address) },
];

function each(run: (picture: Picture, target: Target) => Result): Check['run'] {
  return (picture) => picture.claim.targets.map((target) => ({ ...run(picture, target), of: target.name }));
}

function targetGroup(picture: Picture, { name, port, securityGroupId: id }: Target): Result {
  const { facts, bastion } = picture;
  if (id === undefined) {
    const fix = `spec.targets[name=${name}].securityGroupId: then ${port} is opened on it for the Bastion's life`;
    return unknown(`no group is named, so whether it admits ${port} cannot be told`, fix);
  }
  const found = facts.securityGroups[id];
  if (!found) {
    const inVpc = Object.entries(facts.securityGroups).filter(([, one]) => one.vpcId === vpcOf(picture));
    const list = inVpc.slice(0, 5).map(([other, one]) => `${other} (${one.name})`);
    return problem(
      `${id} does not exist in ${facts.region}`,
      `spec.targets[name=${name}].securityGroupId: such as ${list.join(', ')}`,
    );
  }
  const taskGroup = taskGroupOf(picture);
  if (admitsTask(picture, found.ingress, port)) return ok(`${id} admits ${port} from the task`);
  const key = keyFor.targetIngress(id, port, objectName(bastion));
  if (taskGroup.id === undefined || !isRecorded(picture, key)) return ok(`${port} will be opened on ${id}`);
  const fix = `aws ec2 authorize-security-group-ingress --group-id ${id} --protocol tcp --port ${port} --source-group ${taskGroup.id}`;
  return problem(`${id} does not admit tcp ${port} from the task's group ${taskGroup.id}`, fix);
}

/** Only the VPC's resolver can tell a name; what a laptop would find says nothing. */
function address(picture: Picture, { name, host, port }: Target): Result {
  const spec = `spec.targets[name=${name}].host`;
  if (/^(localhost|127\.|169\.254\.|0\.)/.test(host)) {
    return problem(
      `${host} is the task itself, or AWS's own: the agent refuses it`,
      `${spec}: the address of the database`,
    );
  }
  if (isAddress(host)) return numeric(picture, host, spec);
  const region = /\.([a-z]{2}-[a-z-]+-\d)\.(rds|cache)\.amazonaws\.com$/.exec(host)?.[1];
  if (region !== undefined && region !== picture.facts.region) {
    return warning(
      `${host} is in ${region}, and the Bastion in ${picture.facts.region}`,
      `spec.region: ${region}, unless the VPCs are peered`,
    );
  }
  return unknown(
    `whether ${host} resolves can only be told inside the VPC`,
    `when it is Ready: bastionctl connect ${picture.bastion.metadata.name} ${name} tells whether ${port} answers`,
  );
}

function numeric(picture: Picture, host: string, spec: string): Result {
  const cidrs = picture.facts.vpcs[vpcOf(picture)]?.cidrs ?? [];
  if (cidrs.some((cidr) => contains(cidr, host))) return ok(`${host} is in the VPC`);
  return warning(
    `${host} is not in ${cidrs.join(', ')}`,
    `${spec}: an address in the VPC, unless a peered network has it`,
  );
}
