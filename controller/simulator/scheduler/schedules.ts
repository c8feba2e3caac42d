import { type Fields, present, takePage, toRecord } from '../fields.ts';
import type { Input, Operation } from '../world.ts';
import { armSchedule, instantOf } from './firing.ts';
import {
  arnOf,
  conflict,
  getGroup,
  getSchedule,
  invalid,
  readInput,
  readName,
  type Schedule,
  type SchedulerState,
} from './state.ts';

/** What an update that does not name it sets back to its default. */
const SETTLED = [
  ...['ScheduleExpression', 'ScheduleExpressionTimezone', 'StartDate', 'EndDate', 'Description', 'State'],
  ...['KmsKeyArn', 'Target', 'FlexibleTimeWindow', 'ActionAfterCompletion'],
] as const;
const RETRIES = { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 };

export function scheduleOperations(state: SchedulerState): Readonly<Record<string, Operation>> {
  return {
    CreateSchedule: (input) => createSchedule(state, input),
    UpdateSchedule: (input) => {
      const before = getSchedule(state, readInput(input));
      put(state, {
        ...before,
        modifiedAt: state.world.now(),
        described: settle(state, input, before.group.arn),
      });
      return { ScheduleArn: before.arn };
    },
    GetSchedule: (input) => {
      const schedule = getSchedule(state, readInput(input));
      return present({ ...summaryOf(schedule), ...schedule.described });
    },
    DeleteSchedule: (input) => {
      const { group, name } = getSchedule(state, readInput(input));
      state.schedules.delete(`${group.name}/${name}`);
      return {};
    },
    ListSchedules: (input) => listSchedules(state, input),
  };
}

function createSchedule(state: SchedulerState, input: Input): object {
  const fields = readInput(input);
  const name = readName(fields);
  const group = getGroup(state, fields.optionalText('GroupName') ?? 'default');
  if (group.state !== 'ACTIVE') throw conflict(`Schedule group ${group.name} is being deleted.`);
  if (state.schedules.has(`${group.name}/${name}`)) throw conflict(`Schedule ${name} already exists.`);
  const now = state.world.now();
  const arn = arnOf(state.world, `schedule/${group.name}/${name}`);
  const described = settle(state, input, group.arn);
  put(state, { name, arn, group, createdAt: now, modifiedAt: now, described });
  return { ScheduleArn: arn };
}

function put(state: SchedulerState, schedule: Schedule): void {
  state.schedules.set(`${schedule.group.name}/${schedule.name}`, schedule);
  armSchedule(state, schedule);
}

/** What a schedule is set to by a request: all of it, with AWS's defaults filled in. @throws AwsFault */
function settle({ iam, world }: SchedulerState, input: Input, groupArn: string): Input {
  const fields = readInput(input);
  const expression = fields.text('ScheduleExpression');
  const at = instantOf(input);
  if (at === undefined && !/^(rate|cron)\(.+\)$/.test(expression))
    throw invalid(`Invalid Schedule Expression ${expression}.`);
  if (at !== undefined && at < world.now())
    throw invalid(`Invalid Schedule Expression ${expression}: it lies in the past.`);
  checkWindow(fields.struct('FlexibleTimeWindow'));
  const target = fields.struct('Target');
  target.text('Arn');
  if (!iam.roleUsable(target.text('RoleArn'), 'scheduler.amazonaws.com', world.region, groupArn))
    throw invalid('The execution role you provide must allow AWS EventBridge Scheduler to assume the role.');
  if ((fields.optionalText('Description') ?? '').length > 512) throw invalid('Description is too long.');
  const asked = Object.fromEntries(SETTLED.flatMap((key) => (fields.has(key) ? [[key, input[key]]] : [])));
  return {
    ...{ ScheduleExpressionTimezone: 'UTC', State: 'ENABLED', ActionAfterCompletion: 'NONE', ...asked },
    Target: { RetryPolicy: RETRIES, ...toRecord(input['Target']) },
  };
}

function checkWindow(window: Fields): void {
  const mode = window.oneOf('Mode', ['OFF', 'FLEXIBLE'], 'OFF');
  window.text('Mode');
  if (mode === 'FLEXIBLE' && !window.has('MaximumWindowInMinutes'))
    throw invalid('MaximumWindowInMinutes must be provided when FlexibleTimeWindow Mode is set to FLEXIBLE.');
}

function summaryOf({ name, arn, group, createdAt, modifiedAt, described }: Schedule): Input {
  return {
    ...{ Arn: arn, Name: name, GroupName: group.name, State: described['State'] },
    ...{ CreationDate: new Date(createdAt), LastModificationDate: new Date(modifiedAt) },
  };
}

function listSchedules(state: SchedulerState, input: Input): object {
  const fields = readInput(input);
  const group = fields.optionalText('GroupName');
  if (group !== undefined) getGroup(state, group);
  const prefix = fields.optionalText('NamePrefix') ?? '';
  const wanted = [...state.schedules.values()]
    .filter((one) => (group === undefined || one.group.name === group) && one.name.startsWith(prefix))
    .sort((a, b) => (a.arn < b.arn ? -1 : 1));
  const size = fields.integer('MaxResults', { least: 1, most: 100, fallback: 100 });
  const page = takePage(wanted, fields.optionalText('NextToken'), size, () => invalid('Invalid next token.'));
  const Schedules = page.items.map((one) => {
    const { Arn } = toRecord(one.described['Target']);
    return { ...summaryOf(one), Target: { Arn } };
  });
  return present({ Schedules, NextToken: page.next });
}
