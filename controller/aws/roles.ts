import {
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  paginateListAttachedRolePolicies,
  paginateListRolePolicies,
} from '@aws-sdk/client-iam';
import type { Tags } from '../core/resource.ts';
import type { Aws } from './aws.ts';
import { unlessGone } from './errors.ts';
import { collect } from './reads.ts';
import { readTags, upper } from './tags.ts';

/** A role as it stands, with its policies; policies that do not parse are kept as text. */
interface RoleContent {
  readonly arn: string;
  readonly tags: Tags;
  readonly trust: unknown;
  /** ARNs of the managed policies. */
  readonly managed: readonly string[];
  /** Policy documents by policy name. */
  readonly inline: Readonly<Record<string, unknown>>;
}

export interface RoleFact extends Omit<RoleContent, 'tags'> {
  readonly owned: boolean;
}

/** One role by its name; undefined when there is none. */
export async function readRole(aws: Aws, RoleName: string): Promise<RoleFact | undefined> {
  const content = await readRoleContent(aws.iam, RoleName);
  if (!content) return undefined;
  const { tags, ...fact } = content;
  return { ...fact, owned: readTags(aws.scope.installation, upper(tags)).owned };
}

/** The same, whosever it is. */
export async function readRoleContent(iam: IAMClient, RoleName: string): Promise<RoleContent | undefined> {
  const answer = await unlessGone(() => iam.send(new GetRoleCommand({ RoleName })));
  const role = answer?.Role;
  if (!role?.Arn) return undefined;
  const paging = { client: iam, pageSize: 100 };
  const [attached, names] = await Promise.all([
    collect(paginateListAttachedRolePolicies(paging, { RoleName }), (page) => page.AttachedPolicies),
    collect(paginateListRolePolicies(paging, { RoleName }), (page) => page.PolicyNames),
  ]);
  const inline = await Promise.all(
    names.map(async (PolicyName): Promise<[string, unknown]> => {
      const policy = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      return [PolicyName, parsePolicy(policy.PolicyDocument)];
    }),
  );
  return {
    arn: role.Arn,
    tags: readTags('', role.Tags).tags,
    trust: parsePolicy(role.AssumeRolePolicyDocument),
    managed: attached.flatMap(({ PolicyArn }) => PolicyArn ?? []),
    inline: Object.fromEntries(inline),
  };
}

/** IAM answers with URL-encoded JSON. */
export function parsePolicy(text: string | undefined): unknown {
  try {
    return JSON.parse(decodeURIComponent(text ?? ''));
  } catch {
    return text;
  }
}
