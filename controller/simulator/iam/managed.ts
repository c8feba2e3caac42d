import { type Policy, parsePolicy } from './policy.ts';

const allow = (...actions: string[]): Policy =>
  parsePolicy(JSON.stringify({ Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] }));

/** The AWS managed policies this project's roles use, with the actions that matter to them. */
export const MANAGED_POLICIES: ReadonlyMap<string, Policy> = new Map([
  [
    'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore',
    allow(
      'ssm:DescribeAssociation',
      'ssm:GetDeployablePatchSnapshotForInstance',
      'ssm:GetDocument',
      'ssm:DescribeDocument',
      'ssm:GetManifest',
      'ssm:GetParameter',
      'ssm:GetParameters',
      'ssm:ListAssociations',
      'ssm:ListInstanceAssociations',
      'ssm:PutInventory',
      'ssm:PutComplianceItems',
      'ssm:PutConfigurePackageResult',
      'ssm:UpdateAssociationStatus',
      'ssm:UpdateInstanceAssociationStatus',
      'ssm:UpdateInstanceInformation',
      'ssmmessages:CreateControlChannel',
      'ssmmessages:CreateDataChannel',
      'ssmmessages:OpenControlChannel',
      'ssmmessages:OpenDataChannel',
      'ec2messages:*',
    ),
  ],
  [
    'arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy',
    allow(
      'ecr:GetAuthorizationToken',
      'ecr:BatchCheckLayerAvailability',
      'ecr:GetDownloadUrlForLayer',
      'ecr:BatchGetImage',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ),
  ],
]);
