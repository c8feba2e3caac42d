import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  GetLogEventsCommand,
  type GetLogEventsCommandInput,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { expect } from 'vitest';
import { errorName } from '../simulator/clients.ts';
import { type Case, type Subject, unique } from './subject.ts';

/** Of today, since what is older than a log group keeps is refused; the last of these is still in the past. */
const BEGIN_MS = Math.floor(Date.now() / 1000) * 1000 - 60_000;

async function addStream(aws: Subject, lines: readonly string[]) {
  const stream = { logGroupName: `/bastion-operator/${unique('logs')}`, logStreamName: 'bastion/bastion/1' };
  await aws.logs.send(new CreateLogGroupCommand({ logGroupName: stream.logGroupName }));
  await aws.logs.send(new CreateLogStreamCommand(stream));
  await write(aws, stream, lines, BEGIN_MS);
  return stream;
}

type Stream = Awaited<ReturnType<typeof addStream>>;

function write(aws: Subject, stream: Stream, lines: readonly string[], fromMs: number) {
  const logEvents = lines.map((message, index) => ({ message, timestamp: fromMs + index }));
  return aws.logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
}

async function read(aws: Subject, stream: Stream, query: Partial<GetLogEventsCommandInput>) {
  const page = await aws.logs.send(new GetLogEventsCommand({ ...stream, ...query }));
  return { ...page, lines: (page.events ?? []).map(({ message }) => message) };
}

export const LOG_STREAM_CASES: readonly Case[] = [
  {
    name: 'a log is read on from a token, which comes back as it is at the end until more is written',
    async check(aws) {
      const stream = await addStream(aws, ['a', 'b', 'c']);
      const first = await read(aws, stream, { startFromHead: true, limit: 2 });
      expect(first.lines).toEqual(['a', 'b']);
      const rest = await read(aws, stream, { startFromHead: true, nextToken: first.nextForwardToken });
      expect(rest.lines).toEqual(['c']);
      const end = rest.nextForwardToken;
      const none = await read(aws, stream, { startFromHead: true, nextToken: end });
      expect([none.lines, none.nextForwardToken]).toEqual([[], end]);
      await write(aws, stream, ['d'], BEGIN_MS + 1_000);
      expect((await read(aws, stream, { startFromHead: true, nextToken: end })).lines).toEqual(['d']);
    },
  },
  {
    name: 'a log is read from its end unless told otherwise, and back from there',
    async check(aws) {
      const stream = await addStream(aws, ['a', 'b', 'c', 'd']);
      const last = await read(aws, stream, { limit: 2 });
      expect(last.lines).toEqual(['c', 'd']);
      const before = await read(aws, stream, { limit: 2, nextToken: last.nextBackwardToken });
      expect(before.lines).toEqual(['a', 'b']);
      expect((await read(aws, stream, { nextToken: last.nextForwardToken })).lines).toEqual([]);
    },
  },
  {
    name: 'a log is read from a time on',
    async check(aws) {
      const stream = await addStream(aws, ['a', 'b', 'c']);
      const later = await read(aws, stream, { startFromHead: true, startTime: BEGIN_MS + 1 });
      expect(later.lines).toEqual(['b', 'c']);
    },
  },
  {
    name: 'a log stream that was not made is not found',
    async check(aws) {
      const stream = await addStream(aws, ['a']);
      const unknown = read(aws, { ...stream, logStreamName: 'bastion/bastion/2' }, {});
      expect(await errorName(unknown)).toBe('ResourceNotFoundException');
    },
  },
];
