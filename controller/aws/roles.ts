import {
  GetRoleCommand,
  GetRolePolicyCommand,
  paginateListAttachedRolePolicies,
  paginateListRolePolicies,
} from '@aws-sdk/client-iam';
import type { Aws } from './clients.ts';
import { unlessGone } from './errors.ts';
import { collect } from './reads.ts';
import { readTags } from './tags.ts';

/** A role as it stands, with its policies; policies that do not parse are kept as text. */
export interface RoleFact {
  readonly arn: string;
  readonly owned: boolean;
  readonly trust: unknown;
  /** ARNs of the managed policies. */
  readonly managed: readonly string[];
  /** Policy documents by policy name. */
  readonly inline: Readonly<Record<string, unknown>>;
}

/** One role by its name; undefined when there is none. */
export async function readRole(aws: Aws, RoleName: string): Promise<RoleFact | undefined> {
  const answer = await unlessGone(() => aws.iam.send(new GetRoleCommand({ RoleName })));
  const role = answer?.Role;
  if (!role?.Arn) return undefined;
  const paging = { client: aws.iam, pageSize: 100 };
  const [attached, names] = await Promise.all([
    collect(paginateListAttachedRolePolicies(paging, { RoleName }), (page) => page.AttachedPolicies),
    collect(paginateListRolePolicies(paging, { RoleName }), (page) => page.PolicyNames),
  ]);
  const inline = await Promise.all(
    names.map(async (PolicyName): Promise<[string, unknown]> => {
      const policy = await aws.iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      return [PolicyName, parsePolicy(policy.PolicyDocument)];
    }),
  );
  return {
    arn: role.Arn,
    owned: readTags(aws.scope.installation, role.Tags).owned,
    trust: parsePolicy(role.AssumeRolePolicyDocument),
    managed: attached.flatMap(({ PolicyArn }) => PolicyArn ?? []),
    inline: Object.fromEntries(inline),
  };
}

/** IAM answers with URL-encoded JSON. */
function parsePolicy(text: string | undefined): unknown {
  try {
    return JSON.parse(decodeURIComponent(text ?? ''));
  } catch {
    return text;
  }
}
