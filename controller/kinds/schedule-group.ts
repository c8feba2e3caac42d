import {
  CreateScheduleGroupCommand,
  DeleteScheduleGroupCommand,
  paginateListSchedules,
  TagResourceCommand,
} from '@aws-sdk/client-scheduler';
import type { Aws } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import type { ScheduleGroup } from '../aws/schedule-group.ts';
import { lostTags, missingTags, ownTags, tagsFor, upper } from '../aws/tags.ts';
import { keyFor, nameFor } from '../core/key.ts';
import { type Observed, SAME, type Tags } from '../core/resource.ts';
import { defineKind } from './kind.ts';
import { holdsOurSchedule } from './schedule-marks.ts';

interface Spec {
  readonly name: string;
}

interface Detail {
  readonly name: string;
  readonly tags: Tags;
  /** Our own tags that somebody has taken away or changed. */
  readonly lost: Tags;
  /** Epoch milliseconds; undefined until a list has told. */
  readonly createdAt?: number | undefined;
}

/** What all stop schedules of an installation in a region stand in. */
export const scheduleGroup = defineKind<Spec, Detail>({
  name: 'schedule-group',
  condition: 'EndScheduled',
  inert: true,
  safeguard: true,
  oneByName: true,
  desire: ({ bastion }, _facts, { installation }) => [
    {
      kind: 'schedule-group',
      key: keyFor.scheduleGroup(),
      spec: { name: nameFor.scheduleGroup(installation) },
      needs: [],
      tags: bastion.spec.tags,
      shared: true,
    },
  ],
  diff(desired, observed) {
    const missing = tagsToPut(desired.tags, observed.detail);
    return Object.keys(missing).length > 0 ? { verdict: 'update', why: 'tags differ', harmless: true } : SAME;
  },
  async list(aws, before) {
    const group = await aws.reads.scheduleGroup();
    if (!group) return [];
    const { name, arn, isDeleting, tags, createdAt } = group;
    const own = ownTags(aws.scope.installation, keyFor.scheduleGroup());
    return [
      {
        kind: 'schedule-group',
        key: keyFor.scheduleGroup(),
        id: arn,
        owned: await isOurs(aws, group, before),
        state: isDeleting ? 'deleting' : 'ready',
        uses: [],
        detail: { name, tags, lost: lostTags(own, tags), createdAt },
      },
    ];
  },
  async create(aws, desired) {
    const { name } = desired.spec;
    const tags = tagsFor(aws.scope.installation, desired, name);
    const { ScheduleGroupArn: arn } = await aws.scheduler.send(
      new CreateScheduleGroupCommand({ Name: name, Tags: upper(tags) }),
    );
    if (!arn) return undefined;
    const detail = { name, tags, lost: {} };
    return {
      kind: 'schedule-group',
      key: desired.key,
      id: arn,
      owned: true,
      state: 'ready',
      uses: [],
      detail,
    };
  },
  async update(aws, desired, observed) {
    const { id, detail } = observed;
    const tags = tagsToPut(desired.tags, detail);
    await putTags(aws, id, tags);
    return { ...observed, detail: { ...detail, tags: { ...detail.tags, ...tags }, lost: {} } };
  },
  async remove(aws, { id, detail: { name, lost } }) {
    // AWS deletes with it whatever stands in it. A list may show for a while what we have just deleted.
    const pages = paginateListSchedules({ client: aws.scheduler, pageSize: 100 }, { GroupName: name });
    const left = (await unlessGone(() => collect(pages, (page) => page.Schedules))) ?? [];
    if (left.length > 0) throw stillInUse(name, left[0]?.Name);
    // The right to delete it hangs on them.
    await unlessGone(() => putTags(aws, id, lost));
    await unlessGone(() => aws.scheduler.send(new DeleteScheduleGroupCommand({ Name: name })));
    return 'gone';
  },
});

/**
 * Anybody may have a group of our name, and anybody can take the tags from ours: it is still ours when it holds what only we
 * make, or was ours when it was last seen.
 */
async function isOurs(
  aws: Aws,
  { name, arn, isTagged, createdAt }: ScheduleGroup,
  before: readonly Observed<Detail>[] | undefined,
): Promise<boolean> {
  const isKnown = (one: Observed<Detail>) =>
    one.owned && one.id === arn && createdAt !== undefined && one.detail.createdAt === createdAt;
  return isTagged || before?.some(isKnown) === true || (await holdsOurSchedule(aws, name));
}

function tagsToPut(wanted: Tags, { tags, lost }: Detail): Tags {
  return { ...missingTags(wanted, tags), ...lost };
}

async function putTags(aws: Aws, id: string, tags: Tags): Promise<void> {
  if (Object.keys(tags).length === 0) return;
  await aws.scheduler.send(new TagResourceCommand({ ResourceArn: id, Tags: upper(tags) }));
}

/** Put off like all that AWS itself would refuse for that. */
function stillInUse(group: string, schedule: string | undefined): Error {
  const message = `schedule group ${group} still holds ${schedule}: what is not ours has to be deleted by hand`;
  return Object.assign(new Error(message), { name: 'ResourceInUseException' });
}
