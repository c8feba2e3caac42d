import {
  DescribeSecurityGroupRulesCommand,
  paginateDescribeSecurityGroupRules,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroupRule,
} from '@aws-sdk/client-ec2';
import type { Aws } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { readTags, TAG } from '../aws/tags.ts';
import { keyFor } from '../core/key.ts';
import type { Observed } from '../core/resource.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import type { EntranceDefinition } from './kind.ts';

export interface GrantDetail {
  readonly groupId: string;
  readonly port: number;
  readonly taskGroupId: string;
  /** Of a rule that AWS gave us, or showed with our tag. Nothing but rules' own lists and answers tells it. */
  readonly ruleId?: string;
  /** AWS was asked for its id, and the rule of this content carries no tag of ours. */
  readonly isForeign?: boolean;
}

/** With its rule's id once that is known, so that the record of a Bastion holds what it takes to revoke it. */
export function grant(detail: GrantDetail, owner: ObjectName | undefined): Observed<GrantDetail> {
  const { groupId, port, taskGroupId, ruleId } = detail;
  return {
    kind: 'target-ingress',
    key: keyFor.targetIngress(groupId, port, owner ?? 'unknown/unknown'),
    id: ruleId ?? `${groupId} tcp ${port} from ${taskGroupId}`,
    owned: true,
    state: 'ready',
    ...(owner ? { owner } : {}),
    uses: [taskGroupId],
    detail,
  };
}

/** The id of a grant among the rules that AWS has made: an answer's order means nothing. */
export function ruleOf(
  rules: readonly SecurityGroupRule[] | undefined,
  detail: GrantDetail,
): Pick<GrantDetail, 'ruleId'> {
  const ruleId = rules?.find((rule) => isGrant(rule, detail))?.SecurityGroupRuleId;
  return ruleId === undefined ? {} : { ruleId };
}

/**
 * The list of groups names no ids of rules: what was known stays, and only what is new to this process is asked for. Without an
 * answer a grant is as good as before, and only slower to revoke.
 */
export async function withRuleIds(
  aws: Aws,
  grants: readonly Observed<GrantDetail>[],
  before: readonly Observed<GrantDetail>[] = [],
): Promise<readonly Observed<GrantDetail>[]> {
  const known = new Map(before.map(({ detail }) => [contentOf(detail), detail]));
  const isNew = ({ detail }: Observed<GrantDetail>) => {
    const { ruleId, isForeign } = known.get(contentOf(detail)) ?? {};
    return ruleId === undefined && isForeign !== true;
  };
  const groupIds = [...new Set(grants.filter(isNew).map(({ detail }) => detail.groupId))];
  const rules = groupIds.length === 0 ? [] : await rulesOn(aws, groupIds).catch(() => undefined);
  return grants.map((one) => {
    const before = known.get(contentOf(one.detail));
    if (!isNew(one)) return grant({ ...one.detail, ...before }, one.owner);
    if (!rules) return one;
    const own = rules.filter((rule) => isOurRule(aws, rule, one.owner));
    const found = ruleOf(own, one.detail);
    return grant({ ...one.detail, ...found, isForeign: found.ruleId === undefined }, one.owner);
  });
}

function contentOf({ groupId, port, taskGroupId }: GrantDetail): string {
  return `${groupId} ${port} ${taskGroupId}`;
}

export const grantEntrance: EntranceDefinition<GrantDetail> = {
  /** By the id of its rule, and nothing else: whose rule that is, its tags must say before it is revoked. */
  recall(bastion) {
    const recorded = (bastion.status?.resources ?? []).filter(({ kind }) => kind === 'target-ingress');
    return recorded.flatMap(({ key, id = '', state }) => {
      const [, groupId = '', port = ''] = key.split('/');
      if (!id.startsWith('sgr-') || state === 'Deleted') return [];
      const detail = { groupId, port: Number(port), taskGroupId: '', ruleId: id };
      return [grant(detail, objectName(bastion))];
    });
  },
  async isOurs(aws, { id, owner }) {
    const ask = { SecurityGroupRuleIds: [id] };
    const answer = await unlessGone(() => aws.ec2.send(new DescribeSecurityGroupRulesCommand(ask)));
    const rule = answer?.SecurityGroupRules?.find(({ SecurityGroupRuleId }) => SecurityGroupRuleId === id);
    // A record alone must not turn us against what another installation says is its own.
    const installation = rule?.Tags?.find(({ Key }) => Key === TAG.installation)?.Value;
    return isOurRule(aws, rule, owner) && (installation ?? aws.scope.installation) === aws.scope.installation;
  },
  async close(aws, known) {
    const { groupId, ruleId, taskGroupId, isForeign } = known.detail;
    const closed = { ...known, state: 'gone' as const };
    if (ruleId !== undefined && (await revokeRule(aws, groupId, ruleId))) return [closed];
    // A record alone does not say for whom a rule was, and one that is not ours is the pass's to tell of.
    if (taskGroupId === '' || isForeign) return [];
    const other = (await findRules(aws, known.detail, known.owner)).own?.SecurityGroupRuleId;
    return other !== undefined && (await revokeRule(aws, groupId, other)) ? [closed] : [];
  },
};

/** @returns false when it was gone already */
export async function revokeRule(aws: Aws, groupId: string, ruleId: string): Promise<boolean> {
  const revoke = new RevokeSecurityGroupIngressCommand({ GroupId: groupId, SecurityGroupRuleIds: [ruleId] });
  return (await unlessGone(() => aws.ec2.send(revoke))) !== undefined;
}

/**
 * The rule's own tag decides, or what we wrote into it, for a tag can be taken away: somebody may have allowed the same by hand.
 * @throws when only such a rule is there
 */
export async function findOwnRule(
  aws: Aws,
  detail: GrantDetail,
  owner: ObjectName | undefined,
): Promise<string | undefined> {
  const { own, foreign } = await findRules(aws, detail, owner);
  if (!own && foreign) {
    const { groupId, taskGroupId } = detail;
    throw new Error(
      `rule ${foreign.SecurityGroupRuleId} on ${groupId} lets ${taskGroupId} in and is not ours: revoke it by hand`,
    );
  }
  return own?.SecurityGroupRuleId;
}

async function findRules(aws: Aws, detail: GrantDetail, owner: ObjectName | undefined) {
  const grants = (await rulesOn(aws, [detail.groupId])).filter((rule) => isGrant(rule, detail));
  const isOwn = (rule: SecurityGroupRule) => isOurRule(aws, rule, owner);
  return { own: grants.find(isOwn), foreign: grants.find((rule) => !isOwn(rule)) };
}

function isOurRule(aws: Aws, rule: SecurityGroupRule | undefined, owner: ObjectName | undefined): boolean {
  const isDescribed = owner !== undefined && rule?.Description === descriptionFor(owner);
  return isDescribed || readTags(aws.scope.installation, rule?.Tags).owned;
}

export function descriptionFor(owner: ObjectName | undefined): string {
  return `bastion-operator ${owner}`.slice(0, 255);
}

/** A rule of another protocol or of a range that holds the port is another rule. */
function isGrant(rule: SecurityGroupRule, { port, taskGroupId }: GrantDetail): boolean {
  const { IsEgress, IpProtocol, FromPort, ToPort, ReferencedGroupInfo } = rule;
  const onePort = IpProtocol === 'tcp' && FromPort === port && ToPort === port;
  return !IsEgress && onePort && ReferencedGroupInfo?.GroupId === taskGroupId;
}

/** AWS takes at most 200 values of one filter. */
const FILTER_VALUES = 200;

async function rulesOn(aws: Aws, groupIds: readonly string[]): Promise<SecurityGroupRule[]> {
  const rules: SecurityGroupRule[] = [];
  for (let start = 0; start < groupIds.length; start += FILTER_VALUES) {
    const Values = groupIds.slice(start, start + FILTER_VALUES);
    const pages = paginateDescribeSecurityGroupRules(
      { client: aws.ec2, pageSize: 1000 },
      { Filters: [{ Name: 'group-id', Values }] },
    );
    rules.push(...(await collect(pages, (page) => page.SecurityGroupRules)));
  }
  return rules;
}
