import { type Request, request } from './asking.ts';

const TABLE = 'arn:aws:dynamodb:ap-northeast-1:123456789012:table/bastion-operator';
const ROLES = 'arn:aws:iam::123456789012:role';
const LOGS = 'arn:aws:logs:ap-northeast-1:123456789012:log-group:/bastion-operator/test';

/** What the controller calls in no simulated life. */
export const NAMED: readonly Request[] = [
  // Its table, which is simulated without requests.
  ...['DescribeTable', 'GetItem', 'PutItem', 'DeleteItem', 'Query'].map((name) =>
    request(`dynamodb:${name}`, TABLE),
  ),
  // Bastions in other accounts.
  request('sts:AssumeRole', 'arn:aws:iam::222222222222:role/bastion-operator-controller'),
  // For whoever asks for a task's log.
  request('logs:GetLogEvents', `${LOGS}:log-stream:bastion/bastion/0123456789abcdef0123456789abcdef`),
  // When CreateRole answered without an ARN. IAM judges by the name alone where it finds no role.
  ...[
    `${ROLES}/bastion-operator/test/ap-northeast-1/bastion-test-ap-northeast-1-task-exec`,
    `${ROLES}/bastion-test-ap-northeast-1-task-exec`,
    `${ROLES}/bastion-test-ap-northeast-1-ssm-service`,
  ].map((role) => request('iam:GetRole', role)),
];
