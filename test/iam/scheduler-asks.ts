import {
  type Ask,
  type Asking,
  type Asks,
  arnOf,
  having,
  making,
  onAll,
  request,
  tagsIn,
  textIn,
} from './asking.ts';

const groupOf = (asking: Asking) => arnOf(asking, 'scheduler', `schedule-group/${textIn(asking, 'Name')}`);

const onSchedule: Ask = (asking) => {
  const arn = arnOf(asking, 'scheduler', `schedule/${textIn(asking, 'GroupName')}/${textIn(asking, 'Name')}`);
  return [request(`scheduler:${asking.call.operation}`, arn)];
};

/** The role that it calls its target with is handed over each time. */
const putSchedule: Ask = (asking) => {
  const { RoleArn } = asking.call.input['Target'] as { readonly RoleArn: string };
  const passed = { 'iam:PassedToService': 'scheduler.amazonaws.com' };
  return [...onSchedule(asking), request('iam:PassRole', RoleArn, passed)];
};

const onGroup = (arn: (asking: Asking) => string): Ask => {
  return (asking) => [request(`scheduler:${asking.call.operation}`, arn(asking))];
};

export const SCHEDULER: Asks = {
  CreateSchedule: putSchedule,
  CreateScheduleGroup: (asking) =>
    making(asking, tagsIn(asking.call.input['Tags']), { resource: groupOf(asking) }),
  DeleteSchedule: onSchedule,
  DeleteScheduleGroup: (asking) => {
    const tags = asking.aws.scheduler.groups.get(textIn(asking, 'Name'))?.tags ?? [];
    return [request('scheduler:DeleteScheduleGroup', groupOf(asking), having(Object.fromEntries(tags)))];
  },
  GetSchedule: onSchedule,
  GetScheduleGroup: onGroup(groupOf),
  ListSchedules: onAll,
  ListTagsForResource: onGroup((asking) => textIn(asking, 'ResourceArn')),
  TagResource: onGroup((asking) => textIn(asking, 'ResourceArn')),
  UpdateSchedule: putSchedule,
};
