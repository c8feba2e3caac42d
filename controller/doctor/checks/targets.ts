import { databaseOf, sourceOf, type Target } from '../../api/target.ts';
import { contains, isAddress } from '../../core/cidr.ts';
import { keyFor } from '../../core/key.ts';
import { databaseKey } from '../../core/targets.ts';
import { objectName } from '../../machinery/object.ts';
import { type Check, ok, problem, type Result, unknown, warning } from '../check.ts';
import type { Picture } from '../picture.ts';
import { admitsTask, isRecorded, taskGroupOf, vpcOf } from './common.ts';

const group = 'Targets';

/** What the controller says of a database by its name. */
export const DATABASE_FAULTS: ReadonlySet<string> = new Set([
  'TargetNotFound',
  'TargetNotReady',
  'TargetNotReadable',
  'TargetGroupNotAttached',
]);

export const TARGET_CHECKS: readonly Check[] = [
  { name: 'target-database', group, needs: ['databases'], after: ['region'], run: databases },
  { name: 'target-group', group, needs: ['groups', 'network'], after: ['region'], run: each(targetGroup) },
  { name: 'target-address', group, needs: ['vpcs'], after: ['region', 'vpc-exists'], run: each(address) },
];

function each(run: (picture: Picture, target: Target) => Result): Check['run'] {
  return (picture) => picture.claim.targets.map((target) => ({ ...run(picture, target), of: target.name }));
}

/** Those that AWS was asked about: what it says, or why the target cannot be had. */
function databases({ bastion, facts, claim, problems }: Picture): readonly Result[] {
  return bastion.spec.targets.flatMap((target): Result[] => {
    const database = databaseOf(target);
    if (!database) return [];
    const { name } = target;
    const unreadable = facts.databases[databaseKey(database)]?.unreadable;
    const spec = `spec.targets[name=${name}]`;
    if (unreadable !== undefined)
      return [
        unknown(
          `${sourceOf(target)} cannot be read: ${unreadable}`,
          'let whoever runs this read it: rds:DescribeDB*, elasticache:Describe*',
          name,
        ),
      ];
    const fault = problems.find(
      ({ reason, message }) => DATABASE_FAULTS.has(reason) && message.startsWith(`target ${name}: `),
    );
    if (fault?.passing) return [warning(fault.message, 'wait: the controller looks again', name)];
    if (fault)
      return [
        problem(fault.message, `${spec}: the name as AWS lists it, and one of its groups or none`, name),
      ];
    const found = claim.targets.find((one) => one.name === name);
    return [ok(found ? `${found.host}:${found.port}` : 'was not looked up yet', name)];
  });
}

function targetGroup(picture: Picture, { name, port, securityGroupId: id }: Target): Result {
  const { facts, bastion } = picture;
  if (id === undefined) {
    const fix = `spec.targets[name=${name}].securityGroupId: then ${port} is opened on it for the Bastion's life`;
    return unknown(`no group is named, so whether it admits ${port} cannot be told`, fix);
  }
  const found = facts.securityGroups[id];
  if (!found) {
    const own = `bastion-${picture.settings.installation}-`;
    const inVpc = Object.entries(facts.securityGroups).filter(
      ([, one]) => one.vpcId === vpcOf(picture) && one.name !== 'default' && !one.name.startsWith(own),
    );
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
