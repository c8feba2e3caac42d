import type { Facts, Rule } from '../core/facts.ts';
import { type EndpointService, keyFor } from '../core/key.ts';
import { capturingEndpoint, coversHttps, hasNatRoute, networkPath } from '../core/network-path.ts';
import type { Observed } from '../core/resource.ts';
import { objectName } from '../machinery/object.ts';
import type { Surroundings } from './kind.ts';
import { ACTIONS_OF, type RoleContent } from './role-content.ts';
import type { TaskDetail } from './task-state.ts';

/*
 * AWS's texts (aws-facts 4) seldom name what is missing. Each row says what a text is about, in people's words, and which
 * services to check, in the order in which the start of a task needs them. `cannot reach …: endpoint ecr.dkr missing` is
 * then found by looking at what the task's traffic would meet.
 */
interface Symptom {
  readonly text: RegExp;
  readonly about: string;
  readonly services: readonly EndpointService[];
}

const SYMPTOMS: readonly Symptom[] = [
  { text: /secrets from ssm/i, about: 'cannot read the activation code', services: ['ssm'] },
  {
    text: /secrets or registry auth|GetAuthorizationToken/i,
    about: 'cannot reach ECR',
    services: ['ecr.api'],
  },
  {
    text: /nil pointer dereference|starport-layer-bucket/i,
    about: 'cannot reach S3, where ECR keeps image layers',
    services: ['s3'],
  },
  {
    text: /CannotPullContainer.*(timeout|failed to resolve ref)/is,
    about: 'cannot reach ECR',
    services: ['ecr.dkr', 's3'],
  },
  { text: /initialize logging driver/i, about: 'cannot reach CloudWatch Logs', services: ['logs'] },
];

/** AWS answered, so the network is not what is wrong: these come before the symptoms above, whose words they share. */
const ANSWERS: readonly { readonly text: RegExp; readonly means: string }[] = [
  { text: /AccessDenied|not authorized to perform/i, means: 'the task execution role lacks a permission' },
  {
    text: /CannotPullContainer.*403 Forbidden/is,
    means: "the task execution role, or the repository's policy, does not allow the pull",
  },
  { text: /CannotPullContainer.*not found/is, means: 'the image or its tag does not exist in the registry' },
  { text: /log group does not exist/i, means: 'the log group does not exist' },
  { text: /secrets from ssm.*invalid parameters/is, means: 'the parameter with the activation code is gone' },
  { text: /exec format error/i, means: 'the image is for another architecture: set spec.task.architecture' },
  { text: /OutOfMemory/i, means: 'the container ran out of memory: raise spec.task.memory' },
  { text: /Capacity is unavailable/i, means: 'Fargate has no capacity in these zones now' },
  { text: /unable to assume the role/i, means: 'a role cannot be assumed yet, or its trust policy is wrong' },
];

/** A long wait for the agent is a fault; a short one is how it starts. */
const AGENT_PATIENCE_MS = 60_000;

export function diagnoseTask(observed: Observed<TaskDetail>, context: Surroundings): string | undefined {
  if (observed.state === 'gone') return diagnoseEnd(observed.detail, context);
  if (observed.state === 'pending' && observed.detail.lastStatus === 'RUNNING')
    return diagnoseAgent(observed.detail, context);
  return undefined;
}

function diagnoseEnd(detail: TaskDetail, context: Surroundings): string {
  const reason = detail.stoppedReason ?? 'no reason given';
  if (detail.stopCode === 'UserInitiated') return `task stopped: ${reason}`;
  const answer = ANSWERS.find((candidate) => candidate.text.test(reason));
  if (answer) return `${answer.means}: ${reason}`;
  const symptom = SYMPTOMS.find((candidate) => candidate.text.test(reason));
  if (symptom) return diagnoseSymptom(symptom, reason, context);
  return detail.exitCode === undefined ? `task stopped: ${reason}` : diagnoseExit(detail, reason, context);
}

function diagnoseSymptom({ about, services }: Symptom, reason: string, context: Surroundings): string {
  const found = services
    .map((service) => hindranceTo(service, context))
    .find((hindrance) => hindrance !== undefined);
  return found ? `${ABOUT[found.service]}: ${found.text}` : `${about}: ${reason}`;
}

const ABOUT: Readonly<Record<EndpointService, string>> = {
  'ecr.api': 'cannot reach ECR',
  'ecr.dkr': 'cannot reach ECR',
  s3: 'cannot reach S3, where ECR keeps image layers',
  logs: 'cannot reach CloudWatch Logs',
  ssm: 'cannot reach Systems Manager',
  ssmmessages: "cannot reach Session Manager's channel",
};

/** The container ended by itself: with HybridActivation that is how a refused registration looks. */
function diagnoseExit(detail: TaskDetail, reason: string, context: Surroundings): string {
  const what = `container exited with ${detail.exitCode}: ${detail.containerReason ?? reason}`;
  if (detail.exitCode === 0) return what;
  const { access } = context.claim.bastion.spec;
  if (access.transport === 'HybridActivation') {
    const network = hindranceTo('ssm', context);
    if (network) return `cannot register with Systems Manager: ${network.text}`;
    const role = access.activation?.issuer === 'Task' ? roleFault('task-activation', context) : undefined;
    if (role) return `cannot make its activation: ${role}`;
  }
  return `${what}; its log group tells more`;
}

function diagnoseAgent(detail: TaskDetail, context: Surroundings): string | undefined {
  const running = context.now - (detail.startedAt ?? context.now);
  if (running < AGENT_PATIENCE_MS) return 'waits for the Exec agent to connect';
  const network = hindranceTo('ssmmessages', context);
  const why = network?.text ?? roleFault('task-exec', context) ?? detail.agentReason ?? 'it gave no reason';
  return `the Exec agent is not connected: ${why}`;
}

function roleFault(name: keyof typeof ACTIONS_OF, { lookup }: Surroundings): string | undefined {
  const role = lookup(keyFor.role(name));
  if (!role) return `role ${name} missing`;
  const { inline } = role.detail as Partial<RoleContent>;
  const allowed = JSON.stringify(inline ?? {});
  const missing = ACTIONS_OF[name].filter((action) => !allowed.includes(`"${action}"`));
  return missing.length > 0 ? `role ${name} lacks ${missing.join(', ')}` : undefined;
}

interface Found {
  readonly service: EndpointService;
  readonly text: string;
}

/** What keeps the task's traffic from a service, as far as the snapshot shows. */
export function hindranceTo(service: EndpointService, context: Surroundings): Found | undefined {
  const text = service === 's3' ? hindranceToS3(context) : hindranceToInterface(service, context);
  return text === undefined ? undefined : { service, text };
}

function hindranceToInterface(
  service: EndpointService,
  { claim, facts, lookup }: Surroundings,
): string | undefined {
  const { bastion } = claim;
  const { vpcId } = bastion.spec.network;
  if (networkPath(bastion, facts) === 'Nat') return natFault(claim.bastion.spec.network.subnetIds, facts);
  const foreign = capturingEndpoint(vpcId, service, facts);
  const own = lookup(keyFor.endpoint(vpcId, service));
  if (!foreign && !own) return `endpoint ${service} missing`;
  if (!foreign && own?.state !== 'ready') return `endpoint ${service} is ${own?.state}`;
  const endpointGroup = foreign?.groupIds ?? [lookup(keyFor.endpointGroup(vpcId))?.id ?? ''];
  const taskGroup = lookup(keyFor.taskGroup(vpcId, objectName(bastion)))?.id ?? '';
  const egress = https(facts.securityGroups[taskGroup]?.egress);
  const peers = new Set([...endpointGroup, '0.0.0.0/0', ...(facts.vpcs[vpcId]?.cidrs ?? [])]);
  if (!egress.some((rule) => peers.has(rule.peer))) return `egress 443 to the endpoints' group missing`;
  const ingress = endpointGroup.flatMap((id) => https(facts.securityGroups[id]?.ingress));
  return ingress.length === 0 ? `ingress 443 on the endpoints' group missing` : undefined;
}

function hindranceToS3({ claim, facts, lookup }: Surroundings): string | undefined {
  const { bastion } = claim;
  const { vpcId, subnetIds } = bastion.spec.network;
  if (networkPath(bastion, facts) === 'Nat') return natFault(subnetIds, facts);
  const foreign = facts.foreignEndpoints.some(
    (endpoint) => endpoint.vpcId === vpcId && endpoint.service === 's3',
  );
  const own = lookup(keyFor.endpoint(vpcId, 's3'));
  if (!foreign && !own) return 'endpoint s3 missing';
  if (!foreign && own?.state !== 'ready') return `endpoint s3 is ${own?.state}`;
  const taskGroup = lookup(keyFor.taskGroup(vpcId, objectName(bastion)))?.id ?? '';
  const egress = https(facts.securityGroups[taskGroup]?.egress);
  const open = egress.some((rule) => rule.peer === facts.s3PrefixListId || rule.peer === '0.0.0.0/0');
  return open ? undefined : 'egress to the S3 prefix list missing';
}

function natFault(subnetIds: readonly string[], facts: Facts): string | undefined {
  const without = subnetIds.find((id) => !hasNatRoute(id, facts));
  return without ? `${without} has no route to a NAT gateway` : undefined;
}

function https(rules: readonly Rule[] | undefined): readonly Rule[] {
  return (rules ?? []).filter((rule) => coversHttps(rule));
}
