import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  GetScheduleCommand,
  type GetScheduleCommandOutput,
  type ScheduleSummary,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import pLimit from 'p-limit';
import type { Aws } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { same } from '../core/desired.ts';
import { keyFor, nameFor, partitionOf } from '../core/key.ts';
import { type Desired, type Key, type Lookup, type Observed, SAME } from '../core/resource.ts';
import { rfc3339 } from '../machinery/clock.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { defineKind } from './kind.ts';
import { likelySchedules, ownerOfSchedule, scheduleName, scheduleNote } from './schedule-marks.ts';
import { OUR_STOP } from './task-state.ts';

interface Spec {
  readonly name: string;
  readonly group: string;
  readonly cluster: string;
  readonly owner: ObjectName;
  /** Such as `at(2026-11-23T09:30:20)`, in UTC. */
  readonly expression: string;
  readonly task: Key;
}

interface Detail {
  readonly name: string;
  /** Epoch milliseconds, by AWS's clock; undefined until a list has told. */
  readonly modifiedAt?: number;
  /** All that it is set to do, in the form in which it is asked for. */
  readonly content: Pick<GetScheduleCommandOutput, Settings>;
}

/**
 * A live controller is first by this: it ends sessions before grants, and those before the task. AWS fires within a minute
 * after the time, and a task has half a minute to end, so that with no controller alive access ends within two minutes.
 */
const AFTER_END_MS = 20_000;
/** What AWS takes at most: it tries for a day to stop what should be stopped. */
const RETRIES = { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 };
/** Enough to be quick after a start, few enough to stay under AWS's rate. */
const CONCURRENT_READS = 8;

/**
 * Has AWS itself stop the task soon after the end of a Bastion, when no controller is alive to do it. It holds the end that is
 * on record: whatever moves that moves it. It goes after the task, so that a controller that dies in between leaves it.
 */
export const stopSchedule = defineKind<Spec, Detail>({
  name: 'stop-schedule',
  condition: 'EndScheduled',
  inert: true,
  safeguard: true,
  leavesAfter: ['task'],
  desire(claim, _facts, { installation }) {
    const owner = objectName(claim.bastion);
    return [
      {
        kind: 'stop-schedule',
        key: keyFor.stopSchedule(owner),
        spec: {
          name: scheduleName(owner),
          group: nameFor.scheduleGroup(installation),
          cluster: nameFor.cluster(installation),
          owner,
          expression: `at(${rfc3339(claim.expiresAt + AFTER_END_MS).replace('Z', '')})`,
          task: keyFor.task(owner),
        },
        needs: [keyFor.scheduleGroup(), keyFor.role('scheduler')],
        // Also while it is still starting.
        follows: [keyFor.task(owner)],
        tags: {},
        shared: false,
      },
    ];
  },
  compares: ['task'],
  diff({ spec }, { detail }, lookup) {
    const { content } = detail;
    if (content.ScheduleExpression !== spec.expression)
      return { verdict: 'update', why: `the end is now ${spec.expression}`, harmless: true, restricts: true };
    const task = taskIn(spec, lookup);
    // With no task there is nothing to stop; the next one is told as soon as it is there.
    if (!task) return { verdict: 'update', why: 'its task is gone', harmless: true, restricts: true };
    const role = lookup(keyFor.role('scheduler'))?.id ?? content.Target?.RoleArn ?? '';
    const wanted = contentOf(spec, { task, role, partition: partitionIn(task) });
    return same(content, wanted)
      ? SAME
      : { verdict: 'update', why: 'it would do something else', harmless: true, restricts: true };
  },
  async list(aws, before) {
    const group = await aws.reads.scheduleGroup();
    if (!group) return [];
    // Also when it has lost its tags: each schedule says by itself whether it is ours.
    const listed = await likelySchedules(aws, group.name);
    const known = new Map((before ?? []).map((one) => [one.id, one]));
    const limit = pLimit(CONCURRENT_READS);
    const found = await Promise.all(
      listed.map((summary) =>
        limit(() => recall(summary, known) ?? read(aws, group.name, group.arn, summary)),
      ),
    );
    return found.flat();
  },
  async create(aws, desired, lookup) {
    const content = wantedContent(desired, lookup, aws);
    if (!content) return undefined;
    const { name, group } = desired.spec;
    const input = { Name: name, GroupName: group, ...content };
    const { ScheduleArn: arn } = await aws.scheduler.send(new CreateScheduleCommand(input)).catch((error) => {
      // Its name says whose it is: an answer was lost, or a list is older than it.
      if (!(error instanceof Error) || error.name !== 'ConflictException') throw error;
      return aws.scheduler.send(new UpdateScheduleCommand(input));
    });
    if (!arn) return undefined;
    return observed(
      { key: desired.key, id: arn, owner: desired.spec.owner, group: groupArnOf(arn) },
      { name, content },
    );
  },
  async update(aws, desired, present, lookup) {
    const content = wantedContent(desired, lookup, aws);
    if (!content) return present;
    const { name, group: GroupName } = desired.spec;
    // Whatever an update does not name falls back to its default.
    await aws.scheduler.send(new UpdateScheduleCommand({ Name: name, GroupName, ...content }));
    const group = groupArnOf(present.id);
    return observed(
      { key: desired.key, id: present.id, owner: desired.spec.owner, group },
      { name, content },
    );
  },
  async remove(aws, { detail: { name } }) {
    const GroupName = nameFor.scheduleGroup(aws.scope.installation);
    await unlessGone(() => aws.scheduler.send(new DeleteScheduleCommand({ Name: name, GroupName })));
    return 'gone';
  },
});

type Content = Pick<CreateScheduleCommandInput, Settings>;

type Settings =
  | 'ScheduleExpression'
  | 'ScheduleExpressionTimezone'
  | 'FlexibleTimeWindow'
  | 'ActionAfterCompletion'
  | 'State'
  | 'Description'
  | 'Target';

function contentOf(
  { cluster, owner, expression }: Spec,
  { task, role, partition }: { readonly task: string; readonly role: string; readonly partition: string },
): Content {
  return {
    ScheduleExpression: expression,
    ScheduleExpressionTimezone: 'UTC',
    FlexibleTimeWindow: { Mode: 'OFF' },
    ActionAfterCompletion: 'DELETE',
    State: 'ENABLED',
    Description: scheduleNote(owner),
    Target: {
      Arn: `arn:${partition}:scheduler:::aws-sdk:ecs:stopTask`,
      RoleArn: role,
      Input: JSON.stringify({ Cluster: cluster, Task: task, Reason: OUR_STOP }),
      RetryPolicy: RETRIES,
    },
  };
}

/** Undefined while the task or the role is missing. */
function wantedContent({ spec }: Desired<Spec>, lookup: Lookup, aws: Aws): Content | undefined {
  const task = taskIn(spec, lookup);
  const role = lookup(keyFor.role('scheduler'))?.id;
  return task && role ? contentOf(spec, { task, role, partition: partitionOf(aws.scope.region) }) : undefined;
}

/** The ARN of the task that is to be stopped: one that is on its way out needs no schedule. */
function taskIn({ task }: Spec, lookup: Lookup): string | undefined {
  const found = lookup(task);
  return found?.state === 'ready' || found?.state === 'pending' ? found.id : undefined;
}

function partitionIn(arn: string): string {
  return arn.split(':')[1] ?? '';
}

function groupArnOf(scheduleArn: string): string {
  return scheduleArn.replace(':schedule/', ':schedule-group/').replace(/\/[^/]*$/, '');
}

/** Lists show neither time nor target: what was not changed since the last look is as it was then. */
function recall(
  { Arn, LastModificationDate }: ScheduleSummary,
  known: ReadonlyMap<string, Observed<Detail>>,
): Observed<Detail>[] | undefined {
  const before = known.get(Arn ?? '');
  const isSame =
    before?.detail.modifiedAt !== undefined && before.detail.modifiedAt === LastModificationDate?.getTime();
  return isSame ? [before] : undefined;
}

async function read(
  aws: Aws,
  GroupName: string,
  group: string,
  { Name }: ScheduleSummary,
): Promise<Observed<Detail>[]> {
  const schedule = await unlessGone(() => aws.scheduler.send(new GetScheduleCommand({ Name, GroupName })));
  return schedule ? observe(schedule, group) : [];
}

/** Nothing when it was not made by us, wherever it stands. */
function observe(schedule: GetScheduleCommandOutput, group: string): Observed<Detail>[] {
  const { Arn: id, Name: name, Description: note, LastModificationDate } = schedule;
  const owner = ownerOfSchedule(schedule);
  if (!id || !name || owner === undefined) return [];
  const { ScheduleExpression, ScheduleExpressionTimezone, FlexibleTimeWindow } = schedule;
  const { Arn, RoleArn, Input, RetryPolicy } = schedule.Target ?? {};
  const Target = { Arn, RoleArn, Input, RetryPolicy };
  const content = {
    ...{ ScheduleExpression, ScheduleExpressionTimezone, FlexibleTimeWindow, Target },
    ...{ ActionAfterCompletion: schedule.ActionAfterCompletion, State: schedule.State, Description: note },
  };
  const modified = LastModificationDate ? { modifiedAt: LastModificationDate.getTime() } : {};
  return [observed({ key: keyFor.stopSchedule(owner), id, owner, group }, { name, content, ...modified })];
}

function observed({ key, id, owner, group }: Identity, detail: Detail): Observed<Detail> {
  // As long as it is there, it must find the role with which it stops the task.
  const role = detail.content.Target?.RoleArn;
  const uses = role ? [group, role] : [group];
  return { kind: 'stop-schedule', key, id, owned: true, state: 'ready', owner, uses, detail };
}

interface Identity {
  readonly key: Key;
  readonly id: string;
  readonly owner: ObjectName;
  /** Its ARN. */
  readonly group: string;
}
