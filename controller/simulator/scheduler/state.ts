import { Fields } from '../fields.ts';
import type { Iam } from '../iam/iam.ts';
import { AwsFault, type Input, type World } from '../world.ts';

export interface ScheduleGroup {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  modifiedAt: number;
  state: 'ACTIVE' | 'DELETING';
  readonly tags: Map<string, string>;
}

export interface Schedule {
  readonly name: string;
  readonly arn: string;
  readonly group: ScheduleGroup;
  readonly createdAt: number;
  readonly modifiedAt: number;
  /** All that was asked for, as it is described. */
  readonly described: Input;
}

/** As ECS's StopTask. @throws AwsFault */
export type StopTask = (request: {
  readonly cluster: string;
  readonly task: string;
  readonly reason: string;
}) => void;

/** What the parts of simulated EventBridge Scheduler share. */
export interface SchedulerState {
  readonly world: World;
  readonly iam: Iam;
  readonly stopTask: StopTask;
  /** By name. */
  readonly groups: Map<string, ScheduleGroup>;
  /** By `group/name`. */
  readonly schedules: Map<string, Schedule>;
}

const NAME = /^[0-9a-zA-Z-_.]{1,64}$/;

export const invalid = (message: string): AwsFault =>
  new AwsFault('ValidationException', message, 400, { Message: message });
export const conflict = (message: string): AwsFault =>
  new AwsFault('ConflictException', message, 409, { Message: message });
const notFound = (message: string): AwsFault =>
  new AwsFault('ResourceNotFoundException', message, 404, { Message: message });

export function readInput(input: Input): Fields {
  return new Fields(input, invalid);
}

/** @throws AwsFault ValidationException */
export function readName(fields: Fields, member = 'Name'): string {
  const name = fields.text(member);
  if (NAME.test(name)) return name;
  throw invalid(
    `1 validation error detected: Value '${name}' at '${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$`,
  );
}

export function arnOf({ region, accountId }: World, rest: string): string {
  return `arn:aws:scheduler:${region}:${accountId}:${rest}`;
}

/** @throws AwsFault ResourceNotFoundException */
export function getGroup({ groups }: SchedulerState, name: string): ScheduleGroup {
  const group = groups.get(name);
  if (!group) throw notFound(`Schedule group ${name} does not exist.`);
  return group;
}

/** @throws AwsFault ResourceNotFoundException */
export function getSchedule(state: SchedulerState, fields: Fields): Schedule {
  const name = readName(fields);
  const group = getGroup(state, fields.optionalText('GroupName') ?? 'default');
  const schedule = state.schedules.get(`${group.name}/${name}`);
  if (!schedule) throw notFound(`Schedule ${name} does not exist.`);
  return schedule;
}
