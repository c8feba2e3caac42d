import { Fields, present, takePage } from '../fields.ts';
import { AwsFault, type Input, type Operation, type World } from '../world.ts';
import { type Role, type Roles, readTrust } from './roles.ts';

export const invalid = (message: string): AwsFault => new AwsFault('ValidationError', message);

/** Everything about roles except the policies attached to them. */
export function roleOperations(world: World, roles: Roles): Readonly<Record<string, Operation>> {
  return {
    ...taggingOperations(roles),
    CreateRole: (input) => ({ Role: describeRole(createRole(roles, input)) }),
    GetRole: (input) => ({
      Role: describeRole(roles.get(new Fields(input, invalid).text('RoleName'))),
    }),
    DeleteRole: (input) => deleteRole(roles, input),
    ListRoles: (input) => {
      const fields = new Fields(input, invalid);
      const prefix = fields.optionalText('PathPrefix') ?? '/';
      const page = pageOf(
        fields,
        roles.all().filter((role) => role.path.startsWith(prefix)),
      );
      return { Roles: page.items.map((role) => describeRole(role, { withTags: false })), ...page.more };
    },
    UpdateAssumeRolePolicy: (input) => {
      const fields = new Fields(input, invalid);
      const role = roles.get(fields.text('RoleName'));
      roles.changeTrust(role, readTrust(fields.text('PolicyDocument')));
      return {};
    },
    PutRolePermissionsBoundary: (input) => {
      const fields = new Fields(input, invalid);
      roles.get(fields.text('RoleName')).boundaryArn = fields.text('PermissionsBoundary');
      return {};
    },
    GetAccountAuthorizationDetails: (input) => authorizationDetails(world, roles, input),
  };
}

function taggingOperations(roles: Roles): Readonly<Record<string, Operation>> {
  return {
    TagRole: (input) => {
      const fields = new Fields(input, invalid);
      const role = roles.get(fields.text('RoleName'));
      for (const [key, value] of readTags(fields)) {
        const present = [...role.tags.keys()].find((other) => other.toLowerCase() === key.toLowerCase());
        role.tags.set(present ?? key, value);
      }
      return {};
    },
    UntagRole: (input) => {
      const fields = new Fields(input, invalid);
      const role = roles.get(fields.text('RoleName'));
      for (const key of fields.texts('TagKeys')) role.tags.delete(key);
      return {};
    },
    ListRoleTags: (input) => {
      const fields = new Fields(input, invalid);
      const page = pageOf(fields, tagList(roles.get(fields.text('RoleName'))));
      return { Tags: page.items, ...page.more };
    },
  };
}

function createRole(roles: Roles, input: Input): Role {
  const fields = new Fields(input, invalid);
  const name = fields.text('RoleName');
  const path = fields.optionalText('Path') ?? '/';
  if (!/^[\w+=,.@-]{1,64}$/.test(name)) {
    throw invalid(
      `The specified value for roleName is invalid: ${name}. It must contain only alphanumeric characters and/or the following: +=,.@_- and be at most 64 long.`,
    );
  }
  if (!/^\/([\x21-\x7e]+\/)?$/.test(path)) {
    throw invalid('The specified value for path is invalid. It must begin and end with /.');
  }
  return roles.add({
    name,
    path,
    trust: readTrust(fields.text('AssumeRolePolicyDocument')),
    description: fields.optionalText('Description'),
    maxSessionSeconds: fields.integer('MaxSessionDuration', { least: 3600, most: 43_200, fallback: 3600 }),
    boundaryArn: fields.optionalText('PermissionsBoundary'),
    inline: new Map(),
    attached: new Set(),
    tags: readTags(fields),
  });
}

function readTags(fields: Fields): Map<string, string> {
  const tags = fields.tags('Tags');
  if (new Set([...tags.keys()].map((key) => key.toLowerCase())).size < tags.size) {
    const message = 'Duplicate tag keys found. Please note that Tag keys are case insensitive.';
    throw new AwsFault('InvalidInput', message);
  }
  return tags;
}

function deleteRole(roles: Roles, input: Input): object {
  const role = roles.get(new Fields(input, invalid).text('RoleName'));
  if (role.attached.size > 0) {
    throw new AwsFault('DeleteConflict', 'Cannot delete entity, must detach all policies first.', 409);
  }
  if (role.inline.size > 0) {
    throw new AwsFault('DeleteConflict', 'Cannot delete entity, must delete policies first.', 409);
  }
  roles.remove(role);
  return {};
}

function authorizationDetails(world: World, roles: Roles, input: Input): object {
  const fields = new Fields(input, invalid);
  const filter = fields.texts('Filter');
  const known = ['User', 'Role', 'Group', 'LocalManagedPolicy', 'AWSManagedPolicy'];
  for (const kind of filter) if (!known.includes(kind)) throw invalid(`Unknown Filter value: ${kind}`);
  const wanted = filter.length === 0 || filter.includes('Role') ? roles.all() : [];
  const page = pageOf(fields, wanted);
  const details = page.items.map((role) =>
    present({
      ...describeRole(role),
      Description: undefined,
      MaxSessionDuration: undefined,
      RolePolicyList: [...role.inline].map(([name, { text }]) => ({
        PolicyName: name,
        PolicyDocument: encodeURIComponent(text),
      })),
      AttachedManagedPolicies: attachedList(role),
      InstanceProfileList: [],
      RoleLastUsed: { Region: world.region },
    }),
  );
  return { UserDetailList: [], GroupDetailList: [], Policies: [], RoleDetailList: details, ...page.more };
}

export function attachedList(role: Role): { PolicyName: string; PolicyArn: string }[] {
  return [...role.attached].sort().map((arn) => ({
    PolicyName: arn.split('/').at(-1) ?? arn,
    PolicyArn: arn,
  }));
}

export function pageOf<T>(fields: Fields, items: readonly T[]) {
  const size = fields.integer('MaxItems', { least: 1, most: 1000, fallback: 100 });
  const page = takePage(items, fields.optionalText('Marker'), size, () => invalid('Invalid Marker.'));
  return {
    items: page.items,
    more: page.next === undefined ? { IsTruncated: false } : { IsTruncated: true, Marker: page.next },
  };
}

function tagList(role: Role) {
  return [...role.tags].map(([Key, Value]) => ({ Key, Value }));
}

function describeRole(role: Role, { withTags } = { withTags: true }) {
  return present({
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: role.arn,
    CreateDate: new Date(role.createdAt),
    AssumeRolePolicyDocument: encodeURIComponent(role.trust.text),
    Description: role.description,
    MaxSessionDuration: role.maxSessionSeconds,
    PermissionsBoundary: role.boundaryArn && {
      PermissionsBoundaryType: 'Policy',
      PermissionsBoundaryArn: role.boundaryArn,
    },
    Tags: withTags && role.tags.size > 0 ? tagList(role) : undefined,
  });
}
