import { addTags, Fields, present, tagFault, takePage, toRecord } from '../fields.ts';
import { AwsFault, type Input, type Operation, type World } from '../world.ts';
import { append, type LogEvent, type Streams, streamOperations } from './streams.ts';

interface LogGroup {
  readonly name: string;
  readonly createdAt: number;
  retentionDays: number | undefined;
  readonly tags: Map<string, string>;
  readonly streams: Streams;
}

export interface Logs {
  readonly operations: Readonly<Record<string, Operation>>;
  exists(group: string): boolean;
  /** What a container wrote; lost without a group, as in AWS. */
  write(group: string, stream: string, message: string): void;
  /** Of all streams, in the order of their time. */
  events(group: string): readonly LogEvent[];
}

const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
const invalid = (message: string) => new AwsFault('InvalidParameterException', message);

type Groups = Map<string, LogGroup>;

/** Simulated CloudWatch Logs: groups with tags and retention, and what the tasks wrote to them. */
export function createLogs(world: World): Logs {
  const groups: Groups = new Map();
  return {
    operations: {
      ...groupOperations(world, groups),
      ...taggingOperations(world, groups),
      ...streamOperations({
        ...{ world, invalid, read: (input) => new Fields(input, invalid) },
        streamsOf: (name) => getGroup(groups, name).streams,
        arnOf: (name) => arnOf(world, name),
      }),
    },
    exists: (group) => groups.has(group),
    write: (group, stream, message) => {
      const found = groups.get(group);
      if (found) append(found.streams, world, stream, message);
    },
    events: (group) => {
      const streams = [...(groups.get(group)?.streams.values() ?? [])];
      return streams.flatMap(({ events }) => events).sort((a, b) => a.at - b.at);
    },
  };
}

function arnOf(world: World, name: string): string {
  return `arn:aws:logs:${world.region}:${world.accountId}:log-group:${name}`;
}

function getGroup(groups: Groups, name: string): LogGroup {
  const group = groups.get(name);
  if (group) return group;
  throw new AwsFault('ResourceNotFoundException', 'The specified log group does not exist.');
}

function groupOperations(world: World, groups: Groups): Readonly<Record<string, Operation>> {
  return {
    CreateLogGroup: (input) => createLogGroup(world, groups, input),
    DescribeLogGroups: (input) => describeLogGroups(world, groups, input),
    PutRetentionPolicy: (input) => {
      const fields = new Fields(input, invalid);
      const group = getGroup(groups, fields.text('logGroupName'));
      const days = fields.integer('retentionInDays', { least: 1, most: 3653, fallback: 0 });
      if (!RETENTION_DAYS.includes(days)) throw invalid(`Invalid retentionInDays: ${days}`);
      group.retentionDays = days;
      return {};
    },
    DeleteLogGroup: (input) => {
      groups.delete(getGroup(groups, new Fields(input, invalid).text('logGroupName')).name);
      return {};
    },
  };
}

function taggingOperations(world: World, groups: Groups): Readonly<Record<string, Operation>> {
  const byArn = (fields: Fields): LogGroup => {
    const arn = fields.text('resourceArn').replace(/:\*$/, '');
    const prefix = arnOf(world, '');
    if (arn.startsWith(prefix)) return getGroup(groups, arn.slice(prefix.length));
    throw new AwsFault('ResourceNotFoundException', `The specified resource does not exist: ${arn}`);
  };
  return {
    TagResource: (input) => {
      const fields = new Fields(input, invalid);
      const group = byArn(fields);
      addTags(group.tags, tagMap(fields), () => invalid('A resource can have at most 50 tags.'));
      return {};
    },
    UntagResource: (input) => {
      const fields = new Fields(input, invalid);
      const group = byArn(fields);
      for (const key of fields.texts('tagKeys')) group.tags.delete(key);
      return {};
    },
    ListTagsForResource: (input) => ({
      tags: Object.fromEntries(byArn(new Fields(input, invalid)).tags),
    }),
  };
}

function createLogGroup(world: World, groups: Groups, input: Input): object {
  const fields = new Fields(input, invalid);
  const name = fields.text('logGroupName');
  if (!/^[.\-_/#A-Za-z0-9]{1,512}$/.test(name)) {
    throw invalid(
      `1 validation error detected: Value '${name}' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+`,
    );
  }
  if (groups.has(name)) {
    throw new AwsFault('ResourceAlreadyExistsException', 'The specified log group already exists');
  }
  groups.set(name, {
    name,
    createdAt: world.now(),
    retentionDays: undefined,
    tags: tagMap(fields),
    streams: new Map(),
  });
  return {};
}

function describeLogGroups(world: World, groups: Groups, input: Input): object {
  const fields = new Fields(input, invalid);
  const prefix = fields.optionalText('logGroupNamePrefix') ?? '';
  const pattern = fields.optionalText('logGroupNamePattern')?.toLowerCase();
  if (pattern !== undefined && prefix) {
    throw invalid('LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.');
  }
  const wanted = [...groups.values()]
    .filter(({ name }) => name.startsWith(prefix) && name.toLowerCase().includes(pattern ?? ''))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const size = fields.integer('limit', { least: 1, most: 50, fallback: 50 });
  const page = takePage(wanted, fields.optionalText('nextToken'), size, () =>
    invalid('The specified nextToken is invalid.'),
  );
  const logGroups = page.items.map((group) =>
    present({
      logGroupName: group.name,
      creationTime: group.createdAt,
      retentionInDays: group.retentionDays,
      metricFilterCount: 0,
      arn: `${arnOf(world, group.name)}:*`,
      logGroupArn: arnOf(world, group.name),
      logGroupClass: 'STANDARD',
      storedBytes: 0,
    }),
  );
  return present({ logGroups, nextToken: page.next });
}

function tagMap(fields: Fields): Map<string, string> {
  const tags = new Map(
    Object.entries(toRecord(fields.record('tags'))).map(([key, value]) => [key, String(value)]),
  );
  for (const [key, value] of tags) {
    const fault = tagFault(key, value);
    if (fault) throw invalid(fault);
  }
  return tags;
}
