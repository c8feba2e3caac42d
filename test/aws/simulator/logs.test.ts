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
