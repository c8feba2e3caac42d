import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetRoleCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  paginateGetAccountAuthorizationDetails,
  type RoleDetail,
  TagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import type { Aws } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { missingTags, readTags, tagsFor, upper } from '../aws/tags.ts';
import { same } from '../core/desired.ts';
import { keyFor, nameFor, ROLE_NAMES, type RoleName } from '../core/key.ts';
import type { Claim, Desired, Observed, Settings, Tags } from '../core/resource.ts';
import { SAME } from '../core/resource.ts';
import { defineKind } from './kind.ts';
import { type RoleContent, roleContent } from './role-content.ts';

interface Spec extends RoleContent {
  readonly name: string;
  readonly path: string;
  /** ARN of a policy; undefined where none is asked for. */
  readonly boundary?: string | undefined;
}

interface Detail {
  readonly name: string;
  readonly trust: unknown;
  readonly managed: readonly string[];
  readonly inline: Readonly<Record<string, unknown>>;
  readonly boundary?: string | undefined;
  readonly tags: Tags;
}

/** The roles that one Bastion needs; Bastions with the same needs share them. */
function rolesFor(claim: Claim): readonly RoleName[] {
  return [...rolesOfTask(claim), 'scheduler'];
}

function rolesOfTask({ bastion }: Claim): readonly RoleName[] {
  const { transport, activation } = bastion.spec.access;
  if (transport === 'EcsExec') return ['execution', 'task-exec'];
  return activation?.issuer === 'Task'
    ? ['execution', 'task-activation', 'ssm-service']
    : ['execution-with-secret', 'ssm-service'];
}

export const iamRole = defineKind<Spec, Detail>({
  name: 'iam-role',
  condition: 'IdentityReady',
  desire: (claim, facts, settings: Settings) =>
    rolesFor(claim).map((role) => ({
      kind: 'iam-role',
      key: keyFor.role(role),
      spec: {
        name: nameFor.role(settings.installation, facts.region, role),
        path: nameFor.rolePath(settings.installation, facts.region, role),
        ...roleContent(role, facts, settings),
        boundary: settings.permissionsBoundary?.replaceAll('{account}', facts.accountId),
      },
      needs: role === 'task-activation' ? [keyFor.role('ssm-service')] : [],
      tags: claim.bastion.spec.tags,
      shared: true,
      ...(role === 'scheduler' ? { condition: 'EndScheduled' as const } : {}),
    })),
  diff(desired, observed) {
    const { trust, managed, inline, tags } = observed.detail;
    const why = [
      isBounded(desired.spec, observed.detail) ? '' : 'permissions boundary differs',
      same(trust, desired.spec.trust) ? '' : 'trust policy differs',
      same([...managed].sort(), [...desired.spec.managed].sort()) ? '' : 'attached policies differ',
      same(inline, desired.spec.inline) ? '' : 'inline policies differ',
    ].filter(Boolean);
    if (why.length > 0) return { verdict: 'update', why: why.join(', '), restricts: true };
    const missing = missingTags(desired.tags, tags);
    return Object.keys(missing).length > 0 ? { verdict: 'update', why: 'tags differ', harmless: true } : SAME;
  },
  async list(aws) {
    const pages = paginateGetAccountAuthorizationDetails(
      { client: aws.iam, pageSize: 1000 },
      { Filter: ['Role'] },
    );
    const roles = await collect(pages, (page) => page.RoleDetailList);
    const mine = arnEnds(aws);
    return roles
      .filter((role) => mine.has(`${role.Path}${role.RoleName}`))
      .flatMap((role) => observe(aws, role));
  },
  async create(aws, desired, lookup) {
    const { spec } = desired;
    const tags = tagsFor(aws.scope.installation, desired, spec.name);
    const input = {
      RoleName: spec.name,
      Path: spec.path,
      AssumeRolePolicyDocument: JSON.stringify(spec.trust),
      Description: `Made by bastion-operator (installation ${aws.scope.installation})`,
      Tags: upper(tags),
      PermissionsBoundary: spec.boundary,
    };
    const arn =
      (await aws.iam.send(new CreateRoleCommand(input))).Role?.Arn ?? (await readArn(aws, spec.name));
    const { name, trust, boundary } = spec;
    const bare = found(arn, desired, { name, trust, boundary, managed: [], inline: {}, tags });
    return this.update?.(aws, desired, bare, lookup);
  },
  async update(aws, desired, observed) {
    const { spec, tags } = desired;
    const role = { RoleName: spec.name };
    // First: the controller's own policy may allow the rest on bounded roles only.
    if (!isBounded(spec, observed.detail)) {
      const PermissionsBoundary = spec.boundary;
      await aws.iam.send(new PutRolePermissionsBoundaryCommand({ ...role, PermissionsBoundary }));
    }
    if (!same(observed.detail.trust, spec.trust)) {
      await aws.iam.send(
        new UpdateAssumeRolePolicyCommand({ ...role, PolicyDocument: JSON.stringify(spec.trust) }),
      );
    }
    await convergeManaged(aws, spec, observed.detail.managed);
    await convergeInline(aws, spec, observed.detail.inline);
    const missing = missingTags(tags, observed.detail.tags);
    if (Object.keys(missing).length > 0)
      await aws.iam.send(new TagRoleCommand({ ...role, Tags: upper(missing) }));
    const { trust, managed, inline } = spec;
    return found(observed.id, desired, {
      name: spec.name,
      trust,
      managed,
      inline,
      boundary: spec.boundary ?? observed.detail.boundary,
      tags: { ...observed.detail.tags, ...missing },
    });
  },
  async remove(aws, observed) {
    const { name, managed, inline } = observed.detail;
    await convergeManaged(aws, { name, managed: [] }, managed);
    await convergeInline(aws, { name, inline: {} }, inline);
    await unlessGone(() => aws.iam.send(new DeleteRoleCommand({ RoleName: name })));
    return 'gone';
  },
});

/** IAM is global: path and name tell this region's roles from those of the same installation elsewhere. */
function arnEnds({ scope: { installation, region } }: Aws): ReadonlySet<string> {
  const ends = ROLE_NAMES.map(
    (role) => nameFor.rolePath(installation, region, role) + nameFor.role(installation, region, role),
  );
  return new Set(ends);
}

function observe(aws: Aws, role: RoleDetail): Observed<Detail>[] {
  const tagged = readTags(aws.scope.installation, role.Tags);
  if (!tagged.owned || !tagged.key || !role.Arn || !role.RoleName) return [];
  const inline = (role.RolePolicyList ?? []).map((policy) => [
    policy.PolicyName ?? '',
    decodePolicy(policy.PolicyDocument),
  ]);
  return [
    {
      kind: 'iam-role',
      key: tagged.key,
      id: role.Arn,
      owned: true,
      state: 'ready',
      uses: [],
      detail: {
        name: role.RoleName,
        trust: decodePolicy(role.AssumeRolePolicyDocument),
        managed: (role.AttachedManagedPolicies ?? []).map((policy) => policy.PolicyArn ?? ''),
        inline: Object.fromEntries(inline),
        boundary: role.PermissionsBoundary?.PermissionsBoundaryArn,
        tags: tagged.tags,
      },
    },
  ];
}

/** Whoever asks for no boundary leaves the one that is there. */
function isBounded({ boundary }: Pick<Spec, 'boundary'>, present: Pick<Detail, 'boundary'>): boolean {
  return boundary === undefined || boundary === present.boundary;
}

function found(id: string, desired: Desired<Spec>, detail: Detail): Observed<Detail> {
  return { kind: 'iam-role', key: desired.key, id, owned: true, state: 'ready', uses: [], detail };
}

/** IAM answers with URL-encoded JSON. What does not parse was not written by us and differs from all that was. */
function decodePolicy(text: string | undefined): unknown {
  try {
    return JSON.parse(decodeURIComponent(text ?? ''));
  } catch {
    return text;
  }
}

async function readArn(aws: Aws, name: string): Promise<string> {
  const { Role } = await aws.iam.send(new GetRoleCommand({ RoleName: name }));
  if (!Role?.Arn) throw new Error(`iam:GetRole answered without an ARN for ${name}`);
  return Role.Arn;
}

async function convergeManaged(
  aws: Aws,
  spec: Pick<Spec, 'name' | 'managed'>,
  present: readonly string[],
): Promise<void> {
  const role = { RoleName: spec.name };
  for (const PolicyArn of present.filter((arn) => !spec.managed.includes(arn))) {
    await unlessGone(() => aws.iam.send(new DetachRolePolicyCommand({ ...role, PolicyArn })));
  }
  for (const PolicyArn of spec.managed.filter((arn) => !present.includes(arn))) {
    await aws.iam.send(new AttachRolePolicyCommand({ ...role, PolicyArn }));
  }
}

async function convergeInline(
  aws: Aws,
  spec: Pick<Spec, 'name' | 'inline'>,
  present: Detail['inline'],
): Promise<void> {
  const role = { RoleName: spec.name };
  for (const PolicyName of Object.keys(present).filter((name) => !(name in spec.inline))) {
    await unlessGone(() => aws.iam.send(new DeleteRolePolicyCommand({ ...role, PolicyName })));
  }
  for (const [PolicyName, policy] of Object.entries(spec.inline)) {
    if (same(policy, present[PolicyName])) continue;
    await aws.iam.send(
      new PutRolePolicyCommand({ ...role, PolicyName, PolicyDocument: JSON.stringify(policy) }),
    );
  }
}
