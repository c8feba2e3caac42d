import type { Finding, FindingGroup, Verdict } from '../api/finding.ts';
import type { Picture, Source } from './picture.ts';

export interface Result {
  /** Which of several things it is about. */
  readonly of?: string;
  readonly verdict: Verdict;
  readonly found: string;
  readonly fix?: string;
}

/** One pitfall. Looks only at the picture. */
export interface Check {
  readonly name: string;
  readonly group: FindingGroup;
  /** What must have been read; otherwise nobody can tell. */
  readonly needs: readonly Source[];
  /** Checks that come first: what they find wrong says all there is to say. */
  readonly after?: readonly string[];
  /** No result: it does not concern this Bastion. */
  readonly run: (picture: Picture) => readonly Result[];
}

export const ok = (found: string, of?: string): Result => result('ok', found, undefined, of);
export const skipped = (found: string, of?: string): Result => result('skipped', found, undefined, of);
export const problem = (found: string, fix: string, of?: string): Result => result('problem', found, fix, of);
export const warning = (found: string, fix: string, of?: string): Result => result('warning', found, fix, of);
export const unknown = (found: string, fix: string, of?: string): Result => result('unknown', found, fix, of);

function result(verdict: Verdict, found: string, fix?: string, of?: string): Result {
  return { verdict, found, ...(fix === undefined ? {} : { fix }), ...(of === undefined ? {} : { of }) };
}

/** Runs all checks in their order. What could not be read is unknown, whatever the check would make of it. */
export function runChecks(checks: readonly Check[], picture: Picture): readonly Finding[] {
  const stuck = new Set<string>();
  const findings: Finding[] = [];
  for (const check of checks) {
    for (const { of, ...one } of resultsOf(check, picture, stuck)) {
      if (one.verdict === 'problem' || one.verdict === 'unknown') stuck.add(check.name);
      const name = of === undefined ? check.name : `${check.name}/${of}`;
      findings.push({ check: name, group: check.group, ...one });
    }
  }
  return findings;
}

function resultsOf(check: Check, picture: Picture, stuck: ReadonlySet<string>): readonly Result[] {
  const first = (check.after ?? []).find((name) => stuck.has(name));
  if (first !== undefined) return [skipped(`${first} comes first`)];
  const source = check.needs.find((name) => picture.unread.has(name));
  if (source === undefined) return check.run(picture);
  return [unknown(`cannot be read: ${picture.unread.get(source)}`, READ_FIX[source])];
}

const MAY = 'let whoever runs this read it:';

const READ_FIX: Readonly<Record<Source, string>> = {
  vpcs: `${MAY} ec2:DescribeVpcs`,
  dns: `${MAY} ec2:DescribeVpcAttribute`,
  network: `${MAY} ec2:DescribeSubnets, ec2:DescribeRouteTables`,
  groups: `${MAY} ec2:DescribeSecurityGroups`,
  endpoints: `${MAY} ec2:DescribeVpcEndpoints`,
  'prefix-list': `${MAY} ec2:DescribeManagedPrefixLists`,
  zones: `${MAY} ec2:DescribeVpcEndpointServices`,
  tier: `${MAY} ssm:GetServiceSetting`,
  roles: `${MAY} iam:GetRole, iam:GetRolePolicy, iam:ListRolePolicies, iam:ListAttachedRolePolicies`,
  activations: `${MAY} ssm:DescribeActivations, ssm:DescribeParameters`,
  databases: `${MAY} rds:DescribeDBInstances, rds:DescribeDBClusters, elasticache:Describe*`,
  tasks: `${MAY} ecs:ListTasks, ecs:DescribeTasks`,
  nodes: `${MAY} ssm:DescribeInstanceInformation, ssm:ListTagsForResource`,
  caller: 'get AWS credentials: aws sso login, or set AWS_PROFILE',
  'caller-permissions': `${MAY} iam:SimulatePrincipalPolicy`,
  'controller-permissions': `${MAY} iam:SimulatePrincipalPolicy; and check the ARN`,
};
