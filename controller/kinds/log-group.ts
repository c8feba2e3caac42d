import {
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  ListTagsForResourceCommand,
  PutRetentionPolicyCommand,
  paginateDescribeLogGroups,
  TagResourceCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { missingTags, readTags, tagsFor } from '../aws/tags.ts';
import { keyFor, nameFor } from '../core/key.ts';
import { SAME, type Tags } from '../core/resource.ts';
import { defineKind } from './kind.ts';

interface Spec {
  readonly name: string;
  readonly retentionDays: number;
}

interface Detail {
  readonly arn: string;
  readonly retentionDays: number | undefined;
  readonly tags: Tags;
}

/** For an installation that is never without a Bastion; otherwise the group, and what it holds, goes with the last one. */
const RETENTION_DAYS = 30;

/** Where all tasks of an installation in a region write their output. */
export const logGroup = defineKind<Spec, Detail>({
  name: 'log-group',
  condition: 'TaskRunning',
  inert: true,
  oneByName: true,
  desire: ({ bastion }, _facts, { installation }) => [
    {
      kind: 'log-group',
      key: keyFor.logGroup(),
      spec: { name: nameFor.logGroup(installation), retentionDays: RETENTION_DAYS },
      needs: [],
      tags: bastion.spec.tags,
      shared: true,
    },
  ],
  diff(desired, observed) {
    if (observed.detail.retentionDays !== desired.spec.retentionDays)
      return { verdict: 'update', why: 'retention differs', harmless: true };
    const missing = missingTags(desired.tags, observed.detail.tags);
    return Object.keys(missing).length > 0 ? { verdict: 'update', why: 'tags differ', harmless: true } : SAME;
  },
  async list(aws) {
    const name = nameFor.logGroup(aws.scope.installation);
    const pages = paginateDescribeLogGroups({ client: aws.logs, pageSize: 50 }, { logGroupNamePrefix: name });
    const groups = await collect(pages, (page) => page.logGroups);
    const group = groups.find((candidate) => candidate.logGroupName === name);
    if (!group) return [];
    const arn = (group.logGroupArn ?? group.arn ?? '').replace(/:\*$/, '');
    const { tags = {} } = await aws.logs.send(new ListTagsForResourceCommand({ resourceArn: arn }));
    const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
    const tagged = readTags(aws.scope.installation, list);
    return [
      {
        kind: 'log-group',
        key: keyFor.logGroup(),
        id: name,
        owned: tagged.owned,
        state: 'ready',
        uses: [],
        detail: { arn, retentionDays: group.retentionInDays, tags: tagged.tags },
      },
    ];
  },
  async create(aws, desired) {
    const { name } = desired.spec;
    const tags = tagsFor(aws.scope.installation, desired, name);
    await aws.logs.send(new CreateLogGroupCommand({ logGroupName: name, tags }));
    await aws.logs.send(
      new PutRetentionPolicyCommand({ logGroupName: name, retentionInDays: desired.spec.retentionDays }),
    );
    const { key, spec } = desired;
    const detail = { arn: '', retentionDays: spec.retentionDays, tags };
    return { kind: 'log-group', key, id: name, owned: true, state: 'ready', uses: [], detail };
  },
  async update(aws, desired, observed) {
    const { retentionDays } = desired.spec;
    if (observed.detail.retentionDays !== retentionDays) {
      await aws.logs.send(
        new PutRetentionPolicyCommand({ logGroupName: observed.id, retentionInDays: retentionDays }),
      );
    }
    const tags = missingTags(desired.tags, observed.detail.tags);
    if (Object.keys(tags).length > 0) {
      await aws.logs.send(new TagResourceCommand({ resourceArn: observed.detail.arn, tags }));
    }
    return {
      ...observed,
      detail: { ...observed.detail, retentionDays, tags: { ...observed.detail.tags, ...tags } },
    };
  },
  async remove(aws, observed) {
    await unlessGone(() => aws.logs.send(new DeleteLogGroupCommand({ logGroupName: observed.id })));
    return 'gone';
  },
});
