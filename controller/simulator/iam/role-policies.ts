import { Fields } from '../fields.ts';
import { AwsFault, type Input, type Operation } from '../world.ts';
import { MANAGED_POLICIES } from './managed.ts';
import { attachedList, invalid, pageOf } from './role-operations.ts';
import { type Role, type Roles, readPolicy } from './roles.ts';

const MAX_INLINE_CHARACTERS = 10_240;
const MAX_ATTACHED = 10;

/** Inline and managed policies of roles. */
export function rolePolicyOperations(roles: Roles): Readonly<Record<string, Operation>> {
  return {
    PutRolePolicy: (input) => putRolePolicy(roles, input),
    GetRolePolicy: (input) => {
      const { fields, role } = read(roles, input);
      const name = fields.text('PolicyName');
      return {
        RoleName: role.name,
        PolicyName: name,
        PolicyDocument: encodeURIComponent(inlineOf(role, name).text),
      };
    },
    DeleteRolePolicy: (input) => {
      const { fields, role } = read(roles, input);
      const name = fields.text('PolicyName');
      inlineOf(role, name);
      role.inline.delete(name);
      return {};
    },
    ListRolePolicies: (input) => {
      const { fields, role } = read(roles, input);
      const page = pageOf(fields, [...role.inline.keys()].sort());
      return { PolicyNames: page.items, ...page.more };
    },
    ...attachmentOperations(roles),
  };
}

function attachmentOperations(roles: Roles): Readonly<Record<string, Operation>> {
  return {
    AttachRolePolicy: (input) => attachRolePolicy(roles, input),
    DetachRolePolicy: (input) => {
      const { fields, role } = read(roles, input);
      const arn = fields.text('PolicyArn');
      if (role.attached.delete(arn)) return {};
      throw new AwsFault('NoSuchEntity', `Policy ${arn} was not found.`, 404);
    },
    ListAttachedRolePolicies: (input) => {
      const { fields, role } = read(roles, input);
      const prefix = fields.optionalText('PathPrefix') ?? '/';
      const inPath = attachedList(role).filter(({ PolicyArn }) =>
        PolicyArn.slice(PolicyArn.indexOf('/')).startsWith(prefix),
      );
      const page = pageOf(fields, inPath);
      return { AttachedPolicies: page.items, ...page.more };
    },
  };
}

function read(roles: Roles, input: Input) {
  const fields = new Fields(input, invalid);
  return { fields, role: roles.get(fields.text('RoleName')) };
}

function inlineOf(role: Role, name: string) {
  const entry = role.inline.get(name);
  if (entry) return entry;
  throw new AwsFault('NoSuchEntity', `The role policy with name ${name} cannot be found.`, 404);
}

function putRolePolicy(roles: Roles, input: Input): object {
  const { fields, role } = read(roles, input);
  const name = fields.text('PolicyName');
  if (!/^[\w+=,.@-]{1,128}$/.test(name)) {
    throw invalid(`The specified value for policyName is invalid: ${name}`);
  }
  const policy = readPolicy(fields.text('PolicyDocument'));
  if (policy.policy.statements.some((statement) => statement['Principal'] !== undefined)) {
    throw new AwsFault('MalformedPolicyDocument', 'Policy document should not specify a principal.');
  }
  if (policy.policy.statements.some((s) => s['Resource'] === undefined && s['NotResource'] === undefined)) {
    throw new AwsFault('MalformedPolicyDocument', 'Policy statement must contain resources.');
  }
  const others = [...role.inline].filter(([other]) => other !== name).map(([, { text }]) => text);
  const size = [...others, policy.text].join('').replace(/\s/g, '').length;
  if (size > MAX_INLINE_CHARACTERS) {
    throw new AwsFault(
      'LimitExceeded',
      `Maximum policy size of ${MAX_INLINE_CHARACTERS} bytes exceeded for role ${role.name}`,
      409,
    );
  }
  role.inline.set(name, policy);
  return {};
}

function attachRolePolicy(roles: Roles, input: Input): object {
  const { fields, role } = read(roles, input);
  const arn = fields.text('PolicyArn');
  if (!MANAGED_POLICIES.has(arn)) {
    throw new AwsFault('NoSuchEntity', `Policy ${arn} does not exist or is not attachable.`, 404);
  }
  if (!role.attached.has(arn) && role.attached.size >= MAX_ATTACHED) {
    throw new AwsFault('LimitExceeded', `Cannot exceed quota for PoliciesPerRole: ${MAX_ATTACHED}`, 409);
  }
  role.attached.add(arn);
  return {};
}
