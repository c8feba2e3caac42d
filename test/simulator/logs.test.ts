import { describe, expect, it } from 'vitest';
import { faultOf, makeBed, REGION } from './bed.ts';

describe('simulated CloudWatch Logs', () => {
  it('makes a group once, with retention and tags', () => {
    const { ask } = makeBed();
    ask.logs('CreateLogGroup', { logGroupName: '/bastion', tags: { owner: 'us' } });
    expect(faultOf(() => ask.logs('CreateLogGroup', { logGroupName: '/bastion' }))).toMatch(
      /^ResourceAlreadyExistsException/,
    );
    ask.logs('PutRetentionPolicy', { logGroupName: '/bastion', retentionInDays: 7 });
    const described = ask.logs('DescribeLogGroups', { logGroupNamePrefix: '/bast' });
    const arn = `arn:aws:logs:${REGION}:111122223333:log-group:/bastion`;
    expect(described.at('logGroups', 0)).toMatchObject({
      ...{ retentionInDays: 7, arn: `${arn}:*`, logGroupArn: arn },
    });
    ask.logs('TagResource', { resourceArn: arn, tags: { more: 'x' } });
    ask.logs('UntagResource', { resourceArn: arn, tagKeys: ['owner'] });
    expect(ask.logs('ListTagsForResource', { resourceArn: arn }).at('tags')).toEqual({ more: 'x' });
  });

  it('refuses a retention AWS does not offer, and a group that is not there', () => {
    const { ask } = makeBed();
    ask.logs('CreateLogGroup', { logGroupName: 'g' });
    const retain = (logGroupName: string, retentionInDays: number) => () =>
      ask.logs('PutRetentionPolicy', { logGroupName, retentionInDays });
    expect(faultOf(retain('g', 8))).toMatch(/^InvalidParameterException/);
    expect(faultOf(retain('h', 7))).toMatch(/^ResourceNotFoundException/);
    expect(faultOf(() => ask.logs('DeleteLogGroup', { logGroupName: 'h' }))).toMatch(/^ResourceNotFound/);
    expect(faultOf(() => ask.logs('CreateLogGroup', {}))).toMatch(/^InvalidParameterException/);
  });

  it('pages its groups', () => {
    const { ask } = makeBed();
    for (let index = 0; index < 55; index++) ask.logs('CreateLogGroup', { logGroupName: `g${index}` });
    const first = ask.logs('DescribeLogGroups');
    expect(first.at('logGroups', 49)).toBeDefined();
    expect(first.at('logGroups', 50)).toBeUndefined();
    const rest = ask.logs('DescribeLogGroups', { nextToken: first.at('nextToken') });
    expect([rest.at('logGroups', 4) !== undefined, rest.at('nextToken')]).toEqual([true, undefined]);
  });
});

describe('a simulated log stream', () => {
  const stream = { logGroupName: 'g', logStreamName: 's' };

  function makeStream(lines: number) {
    const bed = makeBed();
    bed.ask.logs('CreateLogGroup', { logGroupName: 'g' });
    bed.ask.logs('CreateLogStream', stream);
    const logEvents = Array.from({ length: lines }, (_, index) => ({
      ...{ timestamp: 1000 + index, message: `line ${index}` },
    }));
    bed.ask.logs('PutLogEvents', { ...stream, logEvents });
    return bed;
  }

  it('is read forward page by page, and answers with the same token at its end until more is written', () => {
    const { ask } = makeStream(5);
    const first = ask.logs('GetLogEvents', { ...stream, startFromHead: true, limit: 4 });
    expect(first.at('events', 3, 'message')).toBe('line 3');
    const nextToken = first.at('nextForwardToken');
    const rest = ask.logs('GetLogEvents', { ...stream, nextToken, limit: 4 });
    expect([rest.at('events', 0, 'message'), rest.at('events', 1)]).toEqual(['line 4', undefined]);
    const end = rest.at('nextForwardToken');
    const none = ask.logs('GetLogEvents', { ...stream, nextToken: end });
    expect([none.at('events'), none.at('nextForwardToken')]).toEqual([[], end]);
    ask.logs('PutLogEvents', { ...stream, logEvents: [{ timestamp: 2000, message: 'more' }] });
    expect(ask.logs('GetLogEvents', { ...stream, nextToken: end }).at('events', 0, 'message')).toBe('more');
  });

  it('is read from its end unless asked otherwise, and within a time', () => {
    const { ask } = makeStream(5);
    const last = ask.logs('GetLogEvents', { ...stream, limit: 2 });
    expect([0, 1].map((index) => last.at('events', index, 'message'))).toEqual(['line 3', 'line 4']);
    const before = ask.logs('GetLogEvents', { ...stream, limit: 2, nextToken: last.at('nextBackwardToken') });
    expect(before.at('events', 0, 'message')).toBe('line 1');
    const within = ask.logs('GetLogEvents', { ...stream, startTime: 1001, endTime: 1003 });
    expect(within.at('events')).toMatchObject([{ message: 'line 1' }, { message: 'line 2' }]);
  });

  it('is made once, listed, and refuses what is out of order or unknown', () => {
    const { ask } = makeStream(1);
    const listed = ask.logs('DescribeLogStreams', { logGroupName: 'g', logStreamNamePrefix: 's' });
    expect(listed.at('logStreams', 0)).toMatchObject({ logStreamName: 's', lastEventTimestamp: 1000 });
    expect(faultOf(() => ask.logs('CreateLogStream', stream))).toMatch(/^ResourceAlreadyExistsException/);
    expect(faultOf(() => ask.logs('GetLogEvents', { ...stream, nextToken: 'x' }))).toMatch(
      /^InvalidParameter/,
    );
    const unknown = () => ask.logs('GetLogEvents', { ...stream, logStreamName: 't' });
    expect(faultOf(unknown)).toBe('ResourceNotFoundException: The specified log stream does not exist.');
    const logEvents = [2, 1].map((timestamp) => ({ timestamp, message: 'm' }));
    expect(faultOf(() => ask.logs('PutLogEvents', { ...stream, logEvents }))).toMatch(/chronological/);
  });
});
