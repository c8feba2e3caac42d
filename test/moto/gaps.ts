/** One thing that moto does unlike AWS. */
export interface Gap {
  readonly name: string;
  /** The conformance case that moto fails because of it, and what that failure says: the proof that the gap is still there. */
  readonly case: string;
  readonly symptom: RegExp;
  readonly operation: string;
  readonly moto: string;
  readonly aws: string;
  /** Where AWS says so. */
  readonly source: string;
  readonly remedy: Remedy;
}

/**
 * adapter: the router corrects it, so the same case passes through the router; simulator: the call goes to the simulated AWS, and
 * the case passes there; setting: moto has a switch for it, which the runner sets; accepted: the story says nothing that depends on it, for the reason given.
 */
export type Remedy =
  | { readonly by: 'adapter'; readonly how: string }
  | { readonly by: 'simulator' }
  | { readonly by: 'setting'; readonly setting: string }
  | { readonly by: 'accepted'; readonly because: string };

const adapter = (how: string): Remedy => ({ by: 'adapter', how });
const accepted = (because: string): Remedy => ({ by: 'accepted', because });

const REFUSALS = accepted(
  'the operator never asks for it: the simulator shows that, here it would only be allowed',
);

/** Page sizes are ignored: everything comes at once. */
function unpaged(operation: string, proof: string): Gap {
  const service = operation.slice(0, 3).toUpperCase();
  return {
    name: `one-page-${operation.slice(4)}`,
    case: proof,
    symptom: /to have a length of [25] but got/,
    operation,
    moto: 'ignores the page size and gives all at once',
    aws: 'gives no more than the page size, and a token for the next page',
    source: `${service} API Reference, ${operation.slice(4)}`,
    remedy: accepted('one page holds everything, and every list of ours is read to its last page'),
  };
}

const EC2_GAPS: readonly Gap[] = [
  {
    name: 'referenced-group-deletable',
    case: 'keeps a group that a rule of another group names',
    symptom: /expected 'none' to be 'DependencyViolation'/,
    operation: 'ec2:DeleteSecurityGroup',
    moto: 'deletes a group that rules of other groups name',
    aws: 'answers DependencyViolation',
    source: 'EC2 API Reference, DeleteSecurityGroup',
    remedy: adapter('looks for such rules first and refuses'),
  },
  {
    name: 'endpoint-group-deletable',
    case: "keeps an endpoint's security group",
    symptom: /expected 'none' to be 'DependencyViolation'/,
    operation: 'ec2:DeleteSecurityGroup',
    moto: "deletes a group that an endpoint's interfaces wear",
    aws: 'answers DependencyViolation',
    source: 'EC2 API Reference, DeleteSecurityGroup',
    remedy: adapter('looks for such endpoints first and refuses'),
  },
  {
    name: 'task-group-deletable',
    case: "keeps a task's security group while it runs, and lets it go after",
    symptom: /expected 'none' to be 'DependencyViolation'/,
    operation: 'ec2:DeleteSecurityGroup',
    moto: "deletes a group that a running task's interface wears",
    aws: 'answers DependencyViolation until the interface is detached',
    source: 'EC2 API Reference, DeleteSecurityGroup; ECS Developer Guide, task lifecycle (DEPROVISIONING)',
    remedy: adapter('refuses while a task that was started with the group runs'),
  },
  unpaged('ec2:DescribeSecurityGroups', 'gives security groups in pages'),
  {
    name: 'endpoint-available-at-once',
    case: 'starts an interface endpoint as pending',
    symptom: /expected 'available' to be 'pending'/,
    operation: 'ec2:CreateVpcEndpoint',
    moto: 'gives an endpoint that is available',
    aws: 'gives one that is pending, and available minutes later',
    source: 'AWS PrivateLink Guide, endpoint states',
    remedy: accepted('waiting for endpoints is the simulator’s to show; here they only come sooner'),
  },
  {
    name: 'two-subnets-in-one-zone',
    case: 'refuses two subnets of one zone for an endpoint',
    symptom: /expected 'none' to be 'DuplicateSubnetsInSameZone'/,
    operation: 'ec2:CreateVpcEndpoint',
    moto: 'accepts two subnets of one zone',
    aws: 'answers DuplicateSubnetsInSameZone',
    source: 'EC2 API Reference, error codes',
    remedy: REFUSALS,
  },
  {
    name: 'private-dns-twice',
    case: 'refuses a second endpoint with private DNS for a service in a VPC',
    symptom: /expected 'none' to be 'InvalidParameter'/,
    operation: 'ec2:CreateVpcEndpoint',
    moto: 'makes a second endpoint with the same private DNS name',
    aws: 'answers InvalidParameter: there is already a conflicting DNS domain',
    source: 'AWS PrivateLink Guide, private DNS; the text as reported by users of Terraform',
    remedy: adapter('looks for such an endpoint first and refuses'),
  },
  {
    name: 'endpoint-client-token-ignored',
    case: 'makes one endpoint for one client token',
    symptom: /expected 'vpce-\w+' to be 'vpce-/,
    operation: 'ec2:CreateVpcEndpoint',
    moto: 'ignores ClientToken and makes another endpoint',
    aws: 'gives the endpoint that the token has made',
    source: 'EC2 Developer Guide, ensuring idempotency',
    remedy: adapter('gives the first answer again'),
  },
  {
    name: 'any-service-has-endpoints',
    case: 'refuses an endpoint for a service that does not exist',
    symptom: /expected 'none' to be 'InvalidServiceName'/,
    operation: 'ec2:CreateVpcEndpoint',
    moto: 'makes an endpoint for a service of any name',
    aws: 'answers InvalidServiceName',
    source: 'EC2 API Reference, error codes',
    remedy: accepted('the story checks the service names of all endpoints itself'),
  },
  {
    name: 'unsuccessful-deletion-unsaid',
    case: 'says which endpoint it could not delete, and succeeds',
    symptom: /expected undefined to be 'vpce-|InvalidVpcEndpointId/,
    operation: 'ec2:DeleteVpcEndpoints',
    moto: 'says nothing of endpoints that it could not delete',
    aws: 'names them in Unsuccessful, with HTTP 200',
    source: 'EC2 API Reference, DeleteVpcEndpoints',
    remedy: accepted('no endpoint is deleted twice in the story'),
  },
  {
    name: 'two-gateways-in-one-table',
    case: 'refuses a second S3 gateway for a route table',
    symptom: /expected 'none' to be 'RouteAlreadyExists'/,
    operation: 'ec2:CreateVpcEndpoint',
    moto: 'puts two gateways of one service into a route table',
    aws: 'answers RouteAlreadyExists',
    source: 'EC2 API Reference, error codes',
    remedy: REFUSALS,
  },
];

const IAM_GAPS: readonly Gap[] = [
  {
    name: 'no-managed-policies',
    case: 'attaches a policy that is attached already, without an error',
    symptom: /does not exist or is not attachable/,
    operation: 'iam:AttachRolePolicy',
    moto: "starts without any of AWS's managed policies",
    aws: 'has them in every account',
    source: 'AWS Managed Policy Reference',
    remedy: { by: 'setting', setting: 'MOTO_IAM_LOAD_MANAGED_POLICIES=true' },
  },
  unpaged('iam:GetAccountAuthorizationDetails', 'gives roles in pages'),
];

const ECS_GAPS: readonly Gap[] = [
  {
    name: 'looking-ends-tasks',
    case: 'keeps a task as it is when it is looked at',
    symptom: /expected '(DEACTIVATING|STOPPING|DEPROVISIONING|STOPPED)' to be/,
    operation: 'ecs:DescribeTasks',
    moto: 'takes a task one step nearer to STOPPED each time it is described',
    aws: 'runs it until somebody or its container ends it',
    source: 'ECS Developer Guide, task lifecycle',
    remedy: { by: 'setting', setting: 'state manager: ecs::task, manual, never' },
  },
  {
    name: 'cluster-with-tasks-deletable',
    case: 'keeps a cluster that has tasks',
    symptom: /expected 'none' to be 'ClusterContainsTasksException'/,
    operation: 'ecs:DeleteCluster',
    moto: 'deletes a cluster whose tasks run',
    aws: 'answers ClusterContainsTasksException',
    source: 'ECS API Reference, DeleteCluster',
    remedy: adapter('refuses while a task that was started in it runs'),
  },
  unpaged('ecs:ListTaskDefinitions', 'gives task definitions in pages'),
  {
    name: 'container-needs-memory',
    case: 'runs a Fargate task whose container has no size of its own',
    symptom: /Unexpected token '<'/,
    operation: 'ecs:RunTask',
    moto: 'fails with HTTP 500 for a container without memory',
    aws: "lets the container use the task's memory on Fargate",
    source: 'ECS Developer Guide, task definition parameters for Fargate: memory',
    remedy: adapter("registers the task's memory for its container, too"),
  },
  {
    name: 'task-runs-at-once',
    case: 'starts a task in the state PROVISIONING',
    symptom: /expected 'RUNNING' to be 'PROVISIONING'/,
    operation: 'ecs:RunTask',
    moto: 'gives a task that is running, whatever its network and image',
    aws: 'takes it through PROVISIONING, PENDING and ACTIVATING',
    source: 'ECS Developer Guide, task lifecycle',
    remedy: accepted('that a task needs its network to start is the simulator’s to show'),
  },
  {
    name: 'exec-unsaid',
    case: 'says of a task that Exec was enabled for it, and since when it is there',
    symptom: /expected undefined to be true/,
    operation: 'ecs:DescribeTasks',
    moto: 'tells neither enableExecuteCommand, managed agents, runtime ids nor times, and runs no container',
    aws: 'tells all of them',
    source: 'ECS API Reference, Task and Container',
    remedy: adapter('adds them, and registers the node that a container would'),
  },
  {
    name: 'task-client-token-ignored',
    case: 'runs one task for one client token',
    symptom: /expected 'arn:aws:ecs:[^']*' to be 'arn:aws:ecs:/,
    operation: 'ecs:RunTask',
    moto: 'ignores clientToken and runs another task',
    aws: 'gives the task that the token has started',
    source: 'ECS API Reference, ensuring idempotency',
    remedy: adapter('gives the first answer again'),
  },
  {
    name: 'stop-unexplained',
    case: 'tells why, by whom and when a task was stopped',
    symptom: /expected undefined to be 'UserInitiated'/,
    operation: 'ecs:DescribeTasks',
    moto: 'tells neither stopCode nor stoppedAt',
    aws: 'tells both',
    source: 'ECS API Reference, Task',
    remedy: adapter('adds them'),
  },
  {
    name: 'stopped-task-keeps-tags',
    case: 'forgets the tags of a task that was stopped',
    symptom: /to deeply equal \[\]/,
    operation: 'ecs:StopTask',
    moto: "keeps a stopped task's tags",
    aws: 'deletes them',
    source: 'ECS API Reference, StopTask',
    remedy: adapter('takes them away'),
  },
  {
    name: 'stop-of-nothing-fails',
    case: 'refuses to stop a task that is not there',
    symptom: /expected 'SyntaxError' to be 'InvalidParameterException'/,
    operation: 'ecs:StopTask',
    moto: 'fails with HTTP 500 for a task that is not there',
    aws: 'answers InvalidParameterException: The referenced task was not found.',
    source: 'ECS API Reference, StopTask',
    remedy: accepted('no task is stopped twice in the story'),
  },
  {
    name: 'missing-task-unsaid',
    case: 'says of a task that is not there that it is missing',
    symptom: /expected \[\] to match object/,
    operation: 'ecs:DescribeTasks',
    moto: 'leaves out tasks that are not there',
    aws: 'names them in failures, with the reason MISSING',
    source: 'ECS Developer Guide, API failure reasons',
    remedy: accepted('only listed tasks are described, and moto never forgets one'),
  },
  unpaged('ecs:ListTasks', 'gives tasks in pages'),
];

/** Not there at all: moto answers HTTP 500, and an HTML page. */
function lacking(operation: string, proof: string): Gap {
  return {
    name: `no-${operation}`,
    case: proof,
    symptom: /SyntaxError|Unexpected token '<'/,
    operation: `ssm:${operation}`,
    moto: 'has no such operation',
    aws: 'has it',
    source: `Systems Manager API Reference, ${operation}`,
    remedy: { by: 'simulator' },
  };
}

const SSM_GAPS: readonly Gap[] = [
  unpaged('ssm:DescribeParameters', 'gives parameters in pages'),
  lacking('CreateActivation', 'refuses an activation for a role that does not exist'),
  lacking('DescribeActivations', 'lists activations'),
  lacking('DeleteActivation', 'does not find an activation that is not there'),
  lacking('DescribeInstanceInformation', 'lists managed nodes'),
  lacking('DeregisterManagedInstance', 'does not find a managed node to deregister that is not there'),
  lacking('StartSession', 'opens no session to a node that is not there'),
  lacking('DescribeSessions', 'lists sessions'),
  lacking('TerminateSession', 'has nothing to end where no session is'),
  lacking('GetServiceSetting', 'tells the tier of managed nodes'),
];

/** moto 5.2 against AWS, case by case: the only list of its kind. */
export const GAPS: readonly Gap[] = [...EC2_GAPS, ...IAM_GAPS, ...ECS_GAPS, ...SSM_GAPS];
