import { present, takePage } from '../fields.ts';
import type { Input, Operation } from '../world.ts';
import {
  arnOf,
  conflict,
  getGroup,
  invalid,
  readInput,
  readName,
  type ScheduleGroup,
  type SchedulerState,
} from './state.ts';

/** For how long a group that still had schedules shows as being deleted. */
const DELETING_MS = 5_000;

export function groupOperations(state: SchedulerState): Readonly<Record<string, Operation>> {
  return {
    CreateScheduleGroup: (input) => createGroup(state, input),
    GetScheduleGroup: (input) => describeGroup(getGroup(state, readName(readInput(input)))),
    ListScheduleGroups: (input) => listGroups(state, input),
    DeleteScheduleGroup: (input) => deleteGroup(state, input),
  };
}

/** Only groups have tags. */
export function taggingOperations(state: SchedulerState): Readonly<Record<string, Operation>> {
  const byArn = (input: Input): ScheduleGroup => {
    const arn = readInput(input).text('ResourceArn');
    const prefix = arnOf(state.world, 'schedule-group/');
    if (!arn.startsWith(prefix)) throw invalid(`Invalid resource ARN ${arn}.`);
    return getGroup(state, arn.slice(prefix.length));
  };
  return {
    ListTagsForResource: (input) => ({
      Tags: [...byArn(input).tags].map(([Key, Value]) => ({ Key, Value })),
    }),
    TagResource: (input) => {
      const group = byArn(input);
      for (const [key, value] of readInput(input).tags('Tags')) group.tags.set(key, value);
      return {};
    },
    UntagResource: (input) => {
      const group = byArn(input);
      for (const key of readInput(input).texts('TagKeys')) group.tags.delete(key);
      return {};
    },
  };
}

function createGroup({ world, groups }: SchedulerState, input: Input): object {
  const fields = readInput(input);
  const name = readName(fields);
  if (groups.has(name)) throw conflict(`Schedule group ${name} already exists.`);
  const now = world.now();
  const arn = arnOf(world, `schedule-group/${name}`);
  const tags = fields.tags('Tags');
  groups.set(name, { name, arn, createdAt: now, modifiedAt: now, state: 'ACTIVE', tags });
  return { ScheduleGroupArn: arn };
}

/** Its schedules go with it, and it stays until they are gone. */
function deleteGroup(state: SchedulerState, input: Input): object {
  const group = getGroup(state, readName(readInput(input)));
  if (group.name === 'default') throw invalid('The default schedule group cannot be deleted.');
  const left = [...state.schedules].filter(([, one]) => one.group === group);
  if (left.length === 0) {
    state.groups.delete(group.name);
    return {};
  }
  group.state = 'DELETING';
  state.world.schedule(DELETING_MS, () => {
    for (const [key] of left) state.schedules.delete(key);
    state.groups.delete(group.name);
  });
  return {};
}

function listGroups({ groups }: SchedulerState, input: Input): object {
  const fields = readInput(input);
  const prefix = fields.optionalText('NamePrefix') ?? '';
  const wanted = [...groups.values()].filter(({ name }) => name.startsWith(prefix));
  const size = fields.integer('MaxResults', { least: 1, most: 100, fallback: 100 });
  const page = takePage(wanted, fields.optionalText('NextToken'), size, () => invalid('Invalid next token.'));
  return present({ ScheduleGroups: page.items.map(describeGroup), NextToken: page.next });
}

function describeGroup({ name, arn, state, createdAt, modifiedAt }: ScheduleGroup): object {
  return {
    ...{ Arn: arn, Name: name, State: state },
    ...{ CreationDate: new Date(createdAt), LastModificationDate: new Date(modifiedAt) },
  };
}
