import type { Input } from '../world.ts';
import type { WireRequest } from './request.ts';

/** By method and the first part of the path; those of the second column name one thing. */
const OPERATIONS: Readonly<Record<string, readonly [all: string, one: string]>> = {
  'GET schedules': ['ListSchedules', 'GetSchedule'],
  'POST schedules': ['', 'CreateSchedule'],
  'PUT schedules': ['', 'UpdateSchedule'],
  'DELETE schedules': ['', 'DeleteSchedule'],
  'GET schedule-groups': ['ListScheduleGroups', 'GetScheduleGroup'],
  'POST schedule-groups': ['', 'CreateScheduleGroup'],
  'DELETE schedule-groups': ['', 'DeleteScheduleGroup'],
  'GET tags': ['', 'ListTagsForResource'],
  'POST tags': ['', 'TagResource'],
  'DELETE tags': ['', 'UntagResource'],
};

/** Members whose names in the query are others. */
const IN_QUERY: Readonly<Record<string, string>> = {
  ...{ groupName: 'GroupName', ScheduleGroup: 'GroupName', clientToken: 'ClientToken' },
};

export function isRestService(service: string): boolean {
  return service === 'scheduler';
}

/** What a request of EventBridge Scheduler asks for: part of it stands in the path, part in the query. */
export function decodeRest(
  { method, path }: Pick<WireRequest, 'method' | 'path'>,
  body: Input,
): { readonly operation: string; readonly input: Input } | undefined {
  const { pathname, searchParams } = new URL(path, 'http://scheduler');
  const [, collection = '', ...rest] = pathname.split('/');
  const name = decodeURIComponent(rest.join('/'));
  const [all, one] = OPERATIONS[`${method} ${collection}`] ?? [];
  const operation = name === '' ? all : one;
  if (!operation) return undefined;
  const named = name === '' ? {} : { [collection === 'tags' ? 'ResourceArn' : 'Name']: name };
  const query: Record<string, unknown> = {};
  for (const [key, value] of searchParams)
    query[IN_QUERY[key] ?? key] = key === 'TagKeys' ? searchParams.getAll(key) : value;
  return { operation, input: { ...body, ...query, ...named } };
}
