import {
  GetScheduleGroupCommand,
  ListTagsForResourceCommand,
  type SchedulerClient,
} from '@aws-sdk/client-scheduler';
import type { Tags } from '../core/resource.ts';
import { unlessGone } from './errors.ts';
import { readTags } from './tags.ts';

/** What the schedules of an installation stand in. */
export interface ScheduleGroup {
  readonly name: string;
  readonly arn: string;
  readonly isDeleting: boolean;
  /** Epoch milliseconds: another one of the same name has the same ARN. */
  readonly createdAt: number | undefined;
  /** By its tags, which anybody can take away. */
  readonly isTagged: boolean;
  readonly tags: Tags;
}

/** Undefined when there is none of that name. */
export async function readScheduleGroup(
  scheduler: SchedulerClient,
  name: string,
  installation: string,
): Promise<ScheduleGroup | undefined> {
  const group = await unlessGone(() => scheduler.send(new GetScheduleGroupCommand({ Name: name })));
  const arn = group?.Arn;
  if (!arn) return undefined;
  const request = new ListTagsForResourceCommand({ ResourceArn: arn });
  const { Tags: list } = (await unlessGone(() => scheduler.send(request))) ?? {};
  const { owned: isTagged, tags } = readTags(installation, list);
  const createdAt = group.CreationDate?.getTime();
  return { name, arn, isDeleting: group.State === 'DELETING', createdAt, isTagged, tags };
}
