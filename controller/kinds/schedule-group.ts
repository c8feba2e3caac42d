import {
  CreateScheduleGroupCommand,
  DeleteScheduleGroupCommand,
  paginateListSchedules,
  TagResourceCommand,
} from '@aws-sdk/client-scheduler';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { missingTags, tagsFor, upper } from '../aws/tags.ts';
import { keyFor, nameFor } from '../core/key.ts';
import { SAME, type Tags } from '../core/resource.ts';
import { defineKind } from './kind.ts';

interface Spec {
  readonly name: string;
}

interface Detail {
  readonly name: string;
  readonly tags: Tags;
}

/** What all stop schedules of an installation in a region stand in: they have no tags, and are ours because it is. */
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
    const missing = missingTags(desired.tags, observed.detail.tags);
    return Object.keys(missing).length > 0 ? { verdict: 'update', why: 'tags differ', harmless: true } : SAME;
  },
  async list(aws) {
    const group = await aws.reads.scheduleGroup();
    if (!group) return [];
    const { name, arn, owned, isDeleting, tags } = group;
    return [
      {
        kind: 'schedule-group',
        key: keyFor.scheduleGroup(),
        id: arn,
        owned,
        state: isDeleting ? 'deleting' : 'ready',
        uses: [],
        detail: { name, tags },
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
    const detail = { name, tags };
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
    const tags = missingTags(desired.tags, observed.detail.tags);
    await aws.scheduler.send(new TagResourceCommand({ ResourceArn: observed.id, Tags: upper(tags) }));
    return { ...observed, detail: { ...observed.detail, tags: { ...observed.detail.tags, ...tags } } };
  },
  async remove(aws, { detail: { name } }) {
    // AWS deletes with it whatever stands in it. A list may show for a while what we have just deleted.
    const pages = paginateListSchedules({ client: aws.scheduler, pageSize: 100 }, { GroupName: name });
    const left = (await unlessGone(() => collect(pages, (page) => page.Schedules))) ?? [];
    if (left.length > 0) throw stillInUse(name, left[0]?.Name);
    await unlessGone(() => aws.scheduler.send(new DeleteScheduleGroupCommand({ Name: name })));
    return 'gone';
  },
});

/** Put off like all that AWS itself would refuse for that. */
function stillInUse(group: string, schedule: string | undefined): Error {
  const message = `schedule group ${group} still holds ${schedule}: what is not ours has to be deleted by hand`;
  return Object.assign(new Error(message), { name: 'ResourceInUseException' });
}
