import { type FoundationObject, INSTALLED_TAG, type Properties } from './foundation.ts';
import { partitionOf } from './key.ts';
import type { Tags } from './resource.ts';

/** Whom the controller's role is for. */
export const DEFAULT_TRUST = 'ecs-tasks.amazonaws.com';
/** On the controller's role: whom it was made for, for when nobody says it again. */
export const TRUST_TAG = 'bastion-operator.dev/trusts';
const BOUNDARY_NAME = 'bastion-boundary';
export const DEFAULT_TABLE = 'bastion-operator';
/** Of the two roles' names, which IAM limits to 64, the table's name is a part. */
const TABLE_NAME = /^[a-zA-Z0-9_.-]{3,42}$/;
const LONGEST_TAG = 256;
const EXECUTION_POLICY = 'service-role/AmazonECSTaskExecutionRolePolicy';
const SERVICES = ['ecs-tasks.amazonaws.com', 'pods.eks.amazonaws.com', 'ec2.amazonaws.com'] as const;
const POD = { namespace: 'bastion-operator', serviceAccount: 'bastion-controller' } as const;

export interface FoundationRequest {
  readonly table: string;
  /** The account's number, or what stands for it on paper. */
  readonly accountId: string;
  readonly region: string;
  readonly trust: readonly string[];
  /** Of `deploy/iam/`, by file name. */
  readonly documents: Readonly<Record<string, unknown>>;
  /** Of the table, as the store needs it. */
  readonly schema: Properties;
}

/** As the flag of the controller takes it: of the account that a role is made in. */
export function usualBoundary(region: string): string {
  return `arn:${partitionOf(region)}:iam::{account}:policy/${BOUNDARY_NAME}`;
}

export function controllerRoleName(table: string): string {
  return `${table}-controller`;
}

/** Why it cannot be made; undefined when it can. */
export function requestFault({
  table,
  trust,
}: Pick<FoundationRequest, 'table' | 'trust'>): string | undefined {
  if (!TABLE_NAME.test(table))
    return `--table: found "${table}", allowed: 3 to 42 letters, digits, _, . and -: the roles are named after it`;
  if (trust.join(' ').length > LONGEST_TAG) return '--trust: too many at once, as a tag holds 256 characters';
  const wrong = trust.find((one) => !isService(one) && !isArn(one));
  if (wrong === undefined) return undefined;
  return `--trust: found "${wrong}", allowed: ${SERVICES.join(', ')}, or the ARN of a role, a user or an OIDC provider`;
}

function isService(text: string): text is (typeof SERVICES)[number] {
  return SERVICES.some((service) => service === text);
}

function isArn(text: string): boolean {
  return /^arn:aws(-us-gov)?:iam::\d{12}:((role|user|oidc-provider)\/[\w+=,.@/:-]+|root)$/.test(text);
}

/** Everything that a controller rests on, in the order of creation. */
export function foundationOf(request: FoundationRequest): readonly FoundationObject[] {
  const { table, trust, documents, schema } = request;
  const tags = installedTags(request);
  const kept = { PointInTimeRecovery: true, DeletionProtection: true };
  const boundary = {
    Description: 'The most that a role made by bastion-operator may do',
    PolicyDocument: adapt(documents['boundary-policy.json'], request),
  };
  return [
    { kind: 'table', name: table, properties: { ...schema, ...kept }, tags },
    { kind: 'policy', name: BOUNDARY_NAME, properties: boundary, tags },
    {
      kind: 'role',
      name: controllerRoleName(table),
      properties: controllerRole(request),
      tags: { ...tags, [TRUST_TAG]: trust.join(' ') },
    },
    ...(trust.includes(DEFAULT_TRUST) ? [executionRole(request)] : []),
  ];
}

function controllerRole(request: FoundationRequest): Properties {
  const own = Object.entries(request.documents).filter(([file]) => file.startsWith('controller'));
  return {
    Description: 'What the controller of bastion-operator may do',
    AssumeRolePolicyDocument: trustPolicy(request),
    ManagedPolicyArns: [],
    Policies: Object.fromEntries(
      own.map(([file, document]) => [file.replace(/\.json$/, ''), adapt(document, request)]),
    ),
  };
}

/** ECS pulls the image and writes the log with it, before the controller runs. */
function executionRole(request: FoundationRequest): FoundationObject {
  const { table, accountId, region } = request;
  return {
    kind: 'role',
    name: `${controllerRoleName(table)}-execution`,
    properties: {
      Description: 'What ECS needs to start the controller of bastion-operator',
      AssumeRolePolicyDocument: policy([serviceTrust(DEFAULT_TRUST, accountId)]),
      ManagedPolicyArns: [`arn:${partitionOf(region)}:iam::aws:policy/${EXECUTION_POLICY}`],
      Policies: {},
    },
    tags: installedTags(request),
  };
}

/** Roles and policies are the account's, tables a region's: what stands in another region is not this one's to take away. */
function installedTags({ table, region }: FoundationRequest): Tags {
  return { [INSTALLED_TAG]: `${region}/${table}` };
}

function policy(statements: readonly unknown[]): Properties {
  return { Version: '2012-10-17', Statement: statements };
}

function trustPolicy({ trust, accountId }: FoundationRequest): Properties {
  return policy(
    trust.map((one) => {
      if (isService(one)) return serviceTrust(one, accountId);
      const [, provider] = /:oidc-provider\/(.+)$/.exec(one) ?? [];
      return provider === undefined ? arnTrust(one) : podTrust(one, provider);
    }),
  );
}

function arnTrust(arn: string): Properties {
  return { Effect: 'Allow', Principal: { AWS: arn }, Action: 'sts:AssumeRole' };
}

/** By IAM roles for service accounts: the one service account of deploy/kubernetes, and no other pod of the cluster. */
function podTrust(arn: string, provider: string): Properties {
  const StringEquals = {
    [`${provider}:aud`]: 'sts.amazonaws.com',
    [`${provider}:sub`]: `system:serviceaccount:${POD.namespace}:${POD.serviceAccount}`,
  };
  const Action = 'sts:AssumeRoleWithWebIdentity';
  return { Effect: 'Allow', Principal: { Federated: arn }, Action, Condition: { StringEquals } };
}

/** Only on behalf of this account's own tasks and pods, where the service says for whom it asks. */
function serviceTrust(Service: (typeof SERVICES)[number], accountId: string): Properties {
  const statement = { Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' };
  if (Service === 'ecs-tasks.amazonaws.com')
    return { ...statement, Condition: { StringEquals: { 'aws:SourceAccount': accountId } } };
  if (Service === 'ec2.amazonaws.com') return statement;
  const StringEquals = {
    'aws:RequestTag/kubernetes-namespace': POD.namespace,
    'aws:RequestTag/kubernetes-service-account': POD.serviceAccount,
  };
  return { ...statement, Action: ['sts:AssumeRole', 'sts:TagSession'], Condition: { StringEquals } };
}

/** The documents are written for the usual names in AWS's usual partition. */
function adapt(value: unknown, request: FoundationRequest): unknown {
  if (typeof value === 'string') return adaptText(value, request);
  if (Array.isArray(value)) return value.map((item) => adapt(item, request));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, adapt(item, request)]));
}

function adaptText(text: string, { table, region }: FoundationRequest): string {
  return text
    .replace(/^arn:aws:/, `arn:${partitionOf(region)}:`)
    .replace(new RegExp(`:table/${DEFAULT_TABLE}(?=$|/)`), `:table/${table}`)
    .replace(new RegExp(`:role/${controllerRoleName(DEFAULT_TABLE)}(?=$|-execution$)`), (found) =>
      found.replace(DEFAULT_TABLE, table),
    );
}
