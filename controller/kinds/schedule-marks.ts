import { GetScheduleCommand, paginateListSchedules, type ScheduleSummary } from '@aws-sdk/client-scheduler';
import type { Aws } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { derivedName } from '../core/name.ts';
import type { ObjectName } from '../machinery/object.ts';

/*
 * Schedules have no tags. Ours are told by their name, whose digest follows from the Bastion that their description names;
 * they are in a group of our name, which may have lost its tags.
 */

const LONGEST_NAME = 64;
/** As `derivedName` makes them: no other needs to be read. */
const SHAPE = /-[0-9a-f]{8}$/;
const NOTE = 'Ends Bastion ';
/** Of a group without our tags, so many are read to see whether it is ours. */
const MOST_READ = 20;

export function scheduleName(owner: ObjectName): string {
  return derivedName([owner], LONGEST_NAME);
}

export function scheduleNote(owner: ObjectName): string {
  return NOTE + owner;
}

/** The Bastion that it ends; undefined when it was not made by us, wherever it stands. */
export function ownerOfSchedule(schedule: {
  readonly Name?: string | undefined;
  readonly Description?: string | undefined;
}): ObjectName | undefined {
  const { Name: name, Description: note = '' } = schedule;
  if (!note.startsWith(NOTE)) return undefined;
  const owner = note.slice(NOTE.length) as ObjectName;
  return name === scheduleName(owner) ? owner : undefined;
}

/** Those of a group that may be ours by their names. */
export async function likelySchedules(aws: Aws, GroupName: string): Promise<readonly ScheduleSummary[]> {
  const pages = paginateListSchedules({ client: aws.scheduler, pageSize: 100 }, { GroupName });
  const listed = (await unlessGone(() => collect(pages, (page) => page.Schedules))) ?? [];
  return listed.filter(({ Name = '' }) => SHAPE.test(Name));
}

/** Nobody but us makes such a schedule: the group that it is in was made for it. */
export async function holdsOurSchedule(aws: Aws, GroupName: string): Promise<boolean> {
  const likely = await likelySchedules(aws, GroupName);
  for (const { Name } of likely.slice(0, MOST_READ)) {
    const schedule = await unlessGone(() => aws.scheduler.send(new GetScheduleCommand({ Name, GroupName })));
    if (schedule && ownerOfSchedule(schedule) !== undefined) return true;
  }
  return false;
}
