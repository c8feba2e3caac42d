import type { RoleFact } from '../../aws/roles.ts';
import { keyFor, nameFor, partitionOf, type RoleName } from '../../core/key.ts';
import { ACTIONS_OF, roleContent } from '../../kinds/role-content.ts';
import { type Check, ok, problem, type Result, skipped, warning } from '../check.ts';
import type { Picture } from '../picture.ts';
import { allowing, conditionsOf, missingActions, trustOf } from '../policy.ts';
import { absent, repair } from './common.ts';

const group = 'Roles';
const needs = ['roles'] as const;

export const ROLE_CHECKS: readonly Check[] = [
  { name: 'execution-role', group, needs, run: (picture) => [existence(picture, executionRole(picture))] },
  { name: 'execution-role-trust', group, needs, after: ['execution-role'], run: executionTrust },
  { name: 'execution-role-permissions', group, needs, after: ['execution-role'], run: executionPermissions },
  { name: 'task-role', group, needs, run: taskRoleExists },
  { name: 'task-role-trust', group, needs, after: ['task-role'], run: taskTrust },
  { name: 'task-role-permissions', group, needs, after: ['task-role'], run: taskPermissions },
  { name: 'task-role-pass-role', group, needs, after: ['task-role'], run: passRole },
  { name: 'service-role', group, needs, run: serviceRoleExists },
  { name: 'service-role-trust', group, needs, after: ['service-role'], run: serviceTrust },
  { name: 'service-role-permissions', group, needs, after: ['service-role'], run: servicePermissions },
  { name: 'scheduler-role', group, needs, run: (picture) => [existence(picture, 'scheduler')] },
  { name: 'scheduler-role-trust', group, needs, after: ['scheduler-role'], run: schedulerTrust },
  { name: 'scheduler-role-permissions', group, needs, after: ['scheduler-role'], run: schedulerPermissions },
];

function executionRole({ bastion }: Picture): RoleName {
  const { transport, activation } = bastion.spec.access;
  return transport === 'HybridActivation' && activation?.issuer !== 'Task'
    ? 'execution-with-secret'
    : 'execution';
}

function taskRole({ bastion }: Picture): 'task-exec' | 'task-activation' | undefined {
  const { transport, activation } = bastion.spec.access;
  if (transport === 'EcsExec') return 'task-exec';
  return activation?.issuer === 'Task' ? 'task-activation' : undefined;
}

function nameOf({ settings, facts }: Picture, role: RoleName): string {
  return nameFor.role(settings.installation, facts.region, role);
}

function existence(picture: Picture, role: RoleName): Result {
  const fact = picture.roles.get(role);
  const name = nameOf(picture, role);
  if (!fact) return absent(picture, keyFor.role(role), `role ${name}`);
  if (fact.owned) return ok(fact.arn);
  const fix = `rename it or delete it: aws iam delete-role --role-name ${name}; or run the controller as another --installation`;
  return problem(`${fact.arn} is not ours, and its name is needed`, fix);
}

/** What is checked of a role that is there; of one that is not, the controller makes it right. */
function about(
  picture: Picture,
  role: RoleName,
  look: (fact: RoleFact, name: string) => Result,
): readonly Result[] {
  const fact = picture.roles.get(role);
  return fact ? [look(fact, nameOf(picture, role))] : [ok('will be created')];
}

function trustsTasks(picture: Picture, role: RoleName): readonly Result[] {
  return about(picture, role, ({ trust }, name) => {
    const service = 'ecs-tasks.amazonaws.com';
    if (trustOf(trust, service)) return ok(`${service} may take it`);
    return problem(`${name} does not trust ${service}, so no task starts with it`, restore(picture, role));
  });
}

function restore(picture: Picture, role: RoleName): string {
  const { trust } = roleContent(role, picture.facts, picture.settings);
  const name = nameOf(picture, role);
  return `aws iam update-assume-role-policy --role-name ${name} --policy-document '${JSON.stringify(trust)}'`;
}

function executionTrust(picture: Picture): readonly Result[] {
  return trustsTasks(picture, executionRole(picture));
}

function executionPermissions(picture: Picture): readonly Result[] {
  const role = executionRole(picture);
  return about(picture, role, (fact, name) => {
    const wanted = roleContent(role, picture.facts, picture.settings);
    const policy = wanted.managed.find((arn) => !fact.managed.includes(arn));
    if (policy !== undefined) {
      const fix = `aws iam attach-role-policy --role-name ${name} --policy-arn ${policy}`;
      return problem(`${name} may not pull from ECR and write to CloudWatch Logs: it lacks ${policy}`, fix);
    }
    if (role === 'execution') return ok('may pull from ECR and write to CloudWatch Logs');
    const path = nameFor.parameterPath(picture.settings.installation);
    const { region, accountId } = picture.facts;
    const parameter = `arn:${partitionOf(region)}:ssm:${region}:${accountId}:parameter${path}default/any`;
    const missing = missingActions(Object.values(fact.inline), ['ssm:GetParameters'], parameter);
    if (missing.length === 0)
      return ok('may pull from ECR, write to CloudWatch Logs and read the activation code');
    return problem(`${name} may not read the activation code: it lacks ssm:GetParameters`, repair(picture));
  });
}

function taskRoleExists(picture: Picture): readonly Result[] {
  const role = taskRole(picture);
  return [
    role ? existence(picture, role) : skipped('the task needs none: the controller makes the activation'),
  ];
}

function taskTrust(picture: Picture): readonly Result[] {
  const role = taskRole(picture);
  return role ? trustsTasks(picture, role) : [];
}

function taskPermissions(picture: Picture): readonly Result[] {
  const role = taskRole(picture);
  if (!role) return [];
  return about(picture, role, (fact, name) => {
    const actions = ACTIONS_OF[role].filter((action) => action !== 'iam:PassRole');
    const missing = missingActions(Object.values(fact.inline), actions, '*');
    if (missing.length === 0) return ok(actions.join(', '));
    const policy = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
    };
    const fix = `aws iam put-role-policy --role-name ${name} --policy-name doctor --policy-document '${JSON.stringify(policy)}'`;
    const use = role === 'task-exec' ? 'open the channel of Session Manager' : 'make its activation';
    return problem(`${name} cannot ${use}: it lacks ${missing.join(', ')}`, fix);
  });
}

function passRole(picture: Picture): readonly Result[] {
  if (taskRole(picture) !== 'task-activation') return [];
  return about(picture, 'task-activation', (fact, name) => {
    const { region, accountId } = picture.facts;
    const path = nameFor.rolePath(picture.settings.installation, region, 'ssm-service');
    const arn = `arn:${partitionOf(region)}:iam::${accountId}:role${path}${nameOf(picture, 'ssm-service')}`;
    const documents = Object.values(fact.inline);
    if (missingActions(documents, ['iam:PassRole'], arn).length > 0) {
      return problem(
        `${name} may not pass ${arn} to Systems Manager`,
        `${repair(picture)}; it needs iam:PassRole on ${arn}`,
      );
    }
    const services = allowing(documents, 'iam:PassRole').map((statement) => passedTo(statement));
    if (services.some((list) => list?.includes('ssm.amazonaws.com')))
      return ok('may pass the service role, and to ssm.amazonaws.com only');
    if (services.some((list) => list === undefined)) {
      return warning(
        `${name} may pass the role to any service`,
        'add the condition iam:PassedToService: ssm.amazonaws.com',
      );
    }
    return problem(
      `${name} may pass the role to ${services.flat().join(', ')} only`,
      'iam:PassedToService has to be ssm.amazonaws.com',
    );
  });
}

function passedTo(statement: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  return conditionsOf(statement).get('iam:passedtoservice');
}

function isHybrid({ bastion }: Picture): boolean {
  return bastion.spec.access.transport === 'HybridActivation';
}

function serviceRoleExists(picture: Picture): readonly Result[] {
  return [isHybrid(picture) ? existence(picture, 'ssm-service') : skipped('EcsExec needs none')];
}

function serviceTrust(picture: Picture): readonly Result[] {
  if (!isHybrid(picture)) return [];
  return about(picture, 'ssm-service', ({ trust }, name) => {
    const service = 'ssm.amazonaws.com';
    const found = trustOf(trust, service);
    const fix = restore(picture, 'ssm-service');
    if (!found)
      return problem(`${name} does not trust ${service}, so no activation can be made with it`, fix);
    const accounts = found.conditions.get('aws:sourceaccount');
    if (!accounts)
      return warning(`${name} trusts ${service} for every account: aws:SourceAccount is missing`, fix);
    if (accounts.includes(picture.facts.accountId))
      return ok(`${service} may take it, for this account only`);
    return problem(`${name} trusts ${service} for account ${accounts.join(', ')} only`, fix);
  });
}

function servicePermissions(picture: Picture): readonly Result[] {
  if (!isHybrid(picture)) return [];
  return about(picture, 'ssm-service', ({ managed }, name) => {
    const wanted = `arn:${partitionOf(picture.facts.region)}:iam::aws:policy/AmazonSSMManagedInstanceCore`;
    if (managed.includes(wanted)) return ok('AmazonSSMManagedInstanceCore');
    const fix = `aws iam attach-role-policy --role-name ${name} --policy-arn ${wanted}`;
    return problem(
      `${name} lacks AmazonSSMManagedInstanceCore: the agent cannot work as a managed node`,
      fix,
    );
  });
}

const WITHOUT = "with no controller alive, only the container's own timer ends a task";

function schedulerTrust(picture: Picture): readonly Result[] {
  return about(picture, 'scheduler', ({ trust }, name) => {
    const service = 'scheduler.amazonaws.com';
    const found = trustOf(trust, service);
    const fix = restore(picture, 'scheduler');
    if (!found) return warning(`${name} does not trust ${service}: ${WITHOUT}`, fix);
    const groups = found.conditions.get('aws:sourcearn');
    if (groups) return ok(`${service} may take it, for our schedules only`);
    return warning(`${name} trusts ${service} for every schedule: aws:SourceArn is missing`, fix);
  });
}

function schedulerPermissions(picture: Picture): readonly Result[] {
  return about(picture, 'scheduler', ({ inline }, name) => {
    const { region, accountId } = picture.facts;
    const cluster = nameFor.cluster(picture.settings.installation);
    const task = `arn:${partitionOf(region)}:ecs:${region}:${accountId}:task/${cluster}/any`;
    if (missingActions(Object.values(inline), ['ecs:StopTask'], task).length === 0)
      return ok("may stop this installation's tasks");
    return warning(`${name} may not stop tasks, it lacks ecs:StopTask: ${WITHOUT}`, repair(picture));
  });
}
