import { describe, expect, it } from 'vitest';
import type { ConditionContext } from '../../controller/aws/policy-text.ts';
import { conditionsHold } from '../../controller/simulator/iam/conditions.ts';
import { addRole, EXECUTION_POLICY, faultOf, makeBed, policy, REGION, trust } from './bed.ts';

const TASKS = 'ecs-tasks.amazonaws.com';

describe('simulated IAM', () => {
  it('lets a service assume a new role only after propagation, and only the service it trusts', async () => {
    const bed = makeBed();
    const arn = addRole(bed, 'task', TASKS);
    expect(bed.iam.roleUsable(arn, TASKS)).toBe(false);
    await bed.clock.advance(bed.world.latencies.iamPropagationMs);
    bed.world.settle();
    expect(bed.iam.roleUsable(arn, TASKS)).toBe(true);
    expect(bed.iam.roleUsable('task', TASKS)).toBe(true);
    expect(bed.iam.roleUsable(arn, 'ssm.amazonaws.com')).toBe(false);
    expect(bed.iam.roleUsable(arn.replace('/task', '/other/task'), TASKS)).toBe(false);
  });

  it('goes on with the old trust until a changed one has propagated', async () => {
    const bed = makeBed();
    addRole(bed, 'task', TASKS);
    await bed.clock.advance(60_000);
    bed.ask.iam('UpdateAssumeRolePolicy', { RoleName: 'task', PolicyDocument: trust('ssm.amazonaws.com') });
    expect(bed.iam.roleUsable('task', TASKS)).toBe(true);
    expect(bed.iam.roleUsable('task', 'ssm.amazonaws.com')).toBe(false);
    await bed.clock.advance(60_000);
    bed.world.settle();
    expect(bed.iam.roleUsable('task', TASKS)).toBe(false);
    expect(bed.iam.roleUsable('task', 'ssm.amazonaws.com')).toBe(true);
  });

  it('honours the confused-deputy conditions of a trust policy', async () => {
    const bed = makeBed();
    const conditions = [
      { StringEquals: { 'aws:SourceAccount': '111122223333' } },
      { ArnEquals: { 'aws:SourceArn': `arn:aws:ssm:${REGION}:111122223333:*` } },
      { StringEquals: { 'aws:SourceAccount': '999999999999' } },
    ];
    for (const [index, condition] of conditions.entries()) {
      bed.ask.iam('CreateRole', {
        RoleName: `node${index}`,
        AssumeRolePolicyDocument: trust('ssm.amazonaws.com', condition),
      });
    }
    await bed.clock.advance(60_000);
    bed.world.settle();
    const usable = [0, 1, 2].map((index) => bed.iam.roleUsable(`node${index}`, 'ssm.amazonaws.com'));
    expect(usable).toEqual([true, true, false]);
    expect(bed.iam.roleUsable('node1', 'ssm.amazonaws.com', 'eu-west-1')).toBe(false);
  });

  it.each<[string, ConditionContext, boolean]>([
    ['StringNotLike', { key: 'ours/x' }, false],
    ['StringNotLike', { key: 'theirs' }, true],
    ['StringNotLike', {}, true],
    ['StringNotLikeIfExists', { key: 'ours/x' }, false],
    ['StringLike', { key: 'ours/x' }, true],
    ['StringLike', { KEY: 'ours/x' }, true],
    ['StringLike', {}, false],
    ['StringLikeIfExists', {}, true],
    ['StringLike', { key: ['ours/x', 'ours/y'] }, false],
    ['ForAllValues:StringLike', { key: ['ours/x', 'ours/y'] }, true],
    ['ForAllValues:StringLike', { key: ['ours/x', 'theirs'] }, false],
    ['ForAllValues:StringLike', {}, true],
    ['ForAllValues:StringNotLike', { key: ['theirs', 'ours/x'] }, false],
    ['ForAllValues:StringNotLike', { key: ['theirs'] }, true],
    ['ForAnyValue:StringLike', { key: ['theirs', 'ours/x'] }, true],
    ['ForAnyValue:StringLike', { key: ['theirs'] }, false],
    ['ForAnyValue:StringLike', {}, false],
    ['ForSomeValues:StringLike', { key: ['ours/x'] }, false],
    ['StringIsh', { key: 'ours/x' }, false],
  ])('holds %s of "ours/*" against %j: %s', (operator, context, expected) => {
    expect(conditionsHold({ [operator]: { key: 'ours/*' } }, context)).toBe(expected);
  });

  it('holds Null against whether a key is there', () => {
    const holds = (wanted: string, context: ConditionContext) =>
      conditionsHold({ Null: { key: wanted } }, context);
    expect([holds('true', {}), holds('true', { key: 'x' })]).toEqual([true, false]);
    expect([holds('false', {}), holds('false', { key: 'x' })]).toEqual([false, true]);
  });

  it('compares ARNs part by part', () => {
    const holds = (operator: string, key: string) =>
      conditionsHold({ [operator]: { key: 'arn:aws:ecs:*:*:cluster/bastion-*' } }, { key });
    const ours = 'arn:aws:ecs:eu-west-1:111122223333:cluster/bastion-main';
    expect([holds('ArnLike', ours), holds('ArnNotLike', ours)]).toEqual([true, false]);
    const other = 'arn:aws:ecs:eu-west-1:111122223333:cluster/payments';
    expect([holds('ArnEquals', other), holds('ArnNotEquals', other)]).toEqual([false, true]);
    expect(holds('ArnLike', 'arn:aws:ecs:eu-west-1:cluster/bastion-main')).toBe(false);
  });

  it('evaluates wildcards, conditions, and Deny before Allow', () => {
    const bed = makeBed();
    const arn = addRole(bed, 'task', TASKS);
    const document = {
      Statement: [
        { Effect: 'Allow', Action: 'ssm:*Activation', Resource: '*' },
        { Effect: 'Deny', Action: 'ssm:DeleteActivation', Resource: '*' },
        {
          Effect: 'Allow',
          Action: 'iam:PassRole',
          Resource: 'arn:aws:iam::*:role/node',
          Condition: { StringEquals: { 'iam:PassedToService': 'ssm.amazonaws.com' } },
        },
      ],
    };
    const PolicyDocument = JSON.stringify(document);
    bed.ask.iam('PutRolePolicy', { RoleName: 'task', PolicyName: 'p', PolicyDocument });
    const node = 'arn:aws:iam::111122223333:role/node';
    const passedTo = (service: string) => ({ 'iam:PassedToService': service });
    expect(bed.iam.allows(arn, 'SSM:CreateActivation', '*')).toBe(true);
    expect(bed.iam.allows(arn, 'ssm:DeleteActivation', '*')).toBe(false);
    expect(bed.iam.allows(arn, 'ssm:PutParameter', '*')).toBe(false);
    expect(bed.iam.allows(arn, 'iam:PassRole', node, passedTo('ssm.amazonaws.com'))).toBe(true);
    expect(bed.iam.allows(arn, 'iam:PassRole', node, passedTo('ec2.amazonaws.com'))).toBe(false);
    expect(bed.iam.allows(arn, 'iam:PassRole', node)).toBe(false);
    expect(bed.iam.allows(arn, 'iam:PassRole', `${node}2`, passedTo('ssm.amazonaws.com'))).toBe(false);
  });

  it('grants what an attached managed policy grants, until it is detached', () => {
    const bed = makeBed();
    const arn = addRole(bed, 'execution', TASKS);
    const attachment = { RoleName: 'execution', PolicyArn: EXECUTION_POLICY };
    bed.ask.iam('AttachRolePolicy', attachment);
    expect(bed.iam.allows(arn, 'ecr:BatchGetImage', '*')).toBe(true);
    bed.ask.iam('DetachRolePolicy', attachment);
    expect(bed.iam.allows(arn, 'ecr:BatchGetImage', '*')).toBe(false);
    expect(faultOf(() => bed.ask.iam('DetachRolePolicy', attachment))).toMatch(/^NoSuchEntity/);
  });

  it('refuses a second role of the same name in other letters and another path', () => {
    const bed = makeBed();
    addRole(bed, 'Task', TASKS);
    const again = { RoleName: 'tASK', Path: '/other/', AssumeRolePolicyDocument: trust(TASKS) };
    expect(faultOf(() => bed.ask.iam('CreateRole', again))).toMatch(/^EntityAlreadyExists/);
  });

  it('deletes a role only without policies', () => {
    const bed = makeBed();
    addRole(bed, 'task', TASKS, ['ssm:*']);
    bed.ask.iam('AttachRolePolicy', { RoleName: 'task', PolicyArn: EXECUTION_POLICY });
    const remove = () => bed.ask.iam('DeleteRole', { RoleName: 'task' });
    expect(faultOf(remove)).toMatch(/^DeleteConflict: .*detach/);
    bed.ask.iam('DetachRolePolicy', { RoleName: 'task', PolicyArn: EXECUTION_POLICY });
    expect(faultOf(remove)).toMatch(/^DeleteConflict: .*delete policies/);
    bed.ask.iam('DeleteRolePolicy', { RoleName: 'task', PolicyName: 'inline' });
    expect(faultOf(remove)).toBe('none');
    expect(faultOf(remove)).toMatch(/^NoSuchEntity/);
  });

  it.each([
    ['no JSON', 'PutRolePolicy', 'nonsense', 'MalformedPolicyDocument'],
    ['no effect', 'PutRolePolicy', '{"Statement":[{"Action":"a:b"}]}', 'MalformedPolicyDocument'],
    ['no principal', 'UpdateAssumeRolePolicy', policy('sts:AssumeRole'), 'MalformedPolicyDocument'],
    ['more than 10,240 characters', 'PutRolePolicy', policy('a'.repeat(10_241)), 'LimitExceeded'],
  ])('refuses a document with %s', (_, operation, PolicyDocument, code) => {
    const bed = makeBed();
    addRole(bed, 'task', TASKS);
    const input = { RoleName: 'task', PolicyName: 'p', PolicyDocument };
    expect(faultOf(() => bed.ask.iam(operation, input))).toMatch(new RegExp(`^${code}`));
  });

  it('tells everything about roles in pages, with documents URL-encoded', () => {
    const bed = makeBed();
    for (const name of ['a', 'b', 'c']) addRole(bed, name, TASKS, ['ssm:*']);
    bed.ask.iam('TagRole', { RoleName: 'a', Tags: [{ Key: 'k', Value: 'v' }] });
    const request = { Filter: ['Role'], MaxItems: '2' };
    const first = bed.ask.iam('GetAccountAuthorizationDetails', request);
    expect(first.at('IsTruncated')).toBe(true);
    expect(first.at('RoleDetailList', 0, 'Tags')).toEqual([{ Key: 'k', Value: 'v' }]);
    const document = first.text('RoleDetailList', 0, 'RolePolicyList', 0, 'PolicyDocument');
    expect(decodeURIComponent(document)).toBe(policy('ssm:*'));
    const next = bed.ask.iam('GetAccountAuthorizationDetails', { ...request, Marker: first.at('Marker') });
    expect(next.at('IsTruncated')).toBe(false);
    expect(next.at('RoleDetailList', 0, 'RoleName')).toBe('c');
    expect(next.at('RoleDetailList', 1)).toBeUndefined();
  });
});
