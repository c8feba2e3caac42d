import { type Fields, present, takePage, toRecord } from '../fields.ts';
import { AwsFault, type Operation, type World } from '../world.ts';

/** One container's output. */
export interface LogStream {
  readonly name: string;
  readonly createdAt: number;
  /** In the order of their time. */
  readonly events: LogEvent[];
}

export interface LogEvent {
  readonly at: number;
  readonly stream: string;
  readonly message: string;
}

/** The streams of one group, by name. */
export type Streams = Map<string, LogStream>;

/** What the operations on streams need of their group. */
export interface StreamsOptions {
  readonly world: World;
  readonly read: (input: Readonly<Record<string, unknown>>) => Fields;
  readonly invalid: (message: string) => AwsFault;
  /** @throws AwsFault when there is no such group */
  readonly streamsOf: (group: string) => Streams;
  readonly arnOf: (group: string) => string;
}

const MOST_EVENTS = 10_000;
/** As many digits as AWS's tokens have. */
const TOKEN_DIGITS = 56;

/** Appends to a stream, which is made when it is first written to. */
export function append(streams: Streams, world: World, name: string, message: string): void {
  const stream = streams.get(name) ?? { name, createdAt: world.now(), events: [] };
  streams.set(name, stream);
  stream.events.push({ at: world.now(), stream: name, message });
}

export function streamOperations(options: StreamsOptions): Readonly<Record<string, Operation>> {
  const { world, read, streamsOf } = options;
  return {
    CreateLogStream: (input) => {
      const fields = read(input);
      const streams = streamsOf(fields.text('logGroupName'));
      const name = fields.text('logStreamName');
      if (streams.has(name)) {
        throw new AwsFault('ResourceAlreadyExistsException', 'The specified log stream already exists');
      }
      streams.set(name, { name, createdAt: world.now(), events: [] });
      return {};
    },
    PutLogEvents: (input) => putEvents(options, read(input)),
    GetLogEvents: (input) => getEvents(options, read(input)),
    DescribeLogStreams: (input) => describeStreams(options, read(input)),
  };
}

function getStream({ streamsOf }: StreamsOptions, fields: Fields): LogStream {
  const stream = streamsOf(fields.text('logGroupName')).get(fields.text('logStreamName'));
  if (stream) return stream;
  throw new AwsFault('ResourceNotFoundException', 'The specified log stream does not exist.');
}

function putEvents(options: StreamsOptions, fields: Fields): object {
  const stream = getStream(options, fields);
  const sent = fields.list('logEvents').map((each) => {
    const { timestamp, message } = toRecord(each);
    return { at: Number(timestamp), stream: stream.name, message: String(message) };
  });
  if (sent.some(({ at }, index) => at < (sent[index - 1]?.at ?? 0))) {
    throw options.invalid('Log events in a single PutLogEvents request must be in chronological order.');
  }
  stream.events.push(...sent);
  stream.events.sort((a, b) => a.at - b.at);
  return {};
}

/**
 * A token names a place between two events and a direction. At either end of the stream the token that comes back is the one
 * that was sent: more may be written later.
 */
function getEvents(options: StreamsOptions, fields: Fields): object {
  const { events } = getStream(options, fields);
  const limit = fields.integer('limit', { least: 1, most: MOST_EVENTS, fallback: MOST_EVENTS });
  const place = placeOf(options, fields, events);
  const first = firstAt(events, Number(fields.integer('startTime', TIMES)));
  const end = fields.has('endTime') ? firstAt(events, fields.integer('endTime', TIMES)) : events.length;
  const from = place.isForward ? Math.max(place.index, first) : Math.max(first, place.index - limit);
  const to = place.isForward ? Math.min(end, from + limit) : Math.min(end, place.index);
  const page = events.slice(from, to);
  const isEmpty = page.length === 0;
  return {
    events: page.map(({ at, message }) => ({ timestamp: at, message, ingestionTime: at })),
    nextForwardToken: token('f', isEmpty ? place.index : to),
    nextBackwardToken: token('b', isEmpty ? place.index : from),
  };
}

const TIMES = { least: 0, most: Number.MAX_SAFE_INTEGER, fallback: 0 };

function placeOf({ invalid }: StreamsOptions, fields: Fields, events: readonly LogEvent[]) {
  const sent = fields.optionalText('nextToken');
  if (sent === undefined) {
    const isForward = fields.flag('startFromHead');
    return { isForward, index: isForward ? 0 : events.length };
  }
  const found = /^([fb])\/(\d+)\/s$/.exec(sent);
  if (!found) throw invalid('The specified nextToken is invalid.');
  return { isForward: found[1] === 'f', index: Math.min(Number(found[2]), events.length) };
}

function token(direction: 'f' | 'b', index: number): string {
  return `${direction}/${String(index).padStart(TOKEN_DIGITS, '0')}/s`;
}

/** The index of the first event at that time or later. */
function firstAt(events: readonly LogEvent[], time: number): number {
  const index = events.findIndex(({ at }) => at >= time);
  return index === -1 ? events.length : index;
}

function describeStreams(options: StreamsOptions, fields: Fields): object {
  const { streamsOf, arnOf, invalid } = options;
  const group = fields.text('logGroupName');
  const prefix = fields.optionalText('logStreamNamePrefix') ?? '';
  const wanted = [...streamsOf(group).values()]
    .filter(({ name }) => name.startsWith(prefix))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const size = fields.integer('limit', { least: 1, most: 50, fallback: 50 });
  const bad = () => invalid('The specified nextToken is invalid.');
  const page = takePage(wanted, fields.optionalText('nextToken'), size, bad);
  const logStreams = page.items.map(({ name, createdAt, events }) =>
    present({
      logStreamName: name,
      creationTime: createdAt,
      firstEventTimestamp: events[0]?.at,
      lastEventTimestamp: events.at(-1)?.at,
      lastIngestionTime: events.at(-1)?.at,
      arn: `${arnOf(group)}:log-stream:${name}`,
      storedBytes: 0,
    }),
  );
  return present({ logStreams, nextToken: page.next });
}
