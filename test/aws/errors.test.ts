import { describe, expect, it } from 'vitest';
import { PacedByClient } from '../../controller/aws/clients.ts';
import { classify, type ErrorClass, explain, unlessGone } from '../../controller/aws/errors.ts';

function awsError(name: string, message = 'a message'): Error {
  return Object.assign(new Error(message), { name });
}

const BY_CODE: Readonly<Record<ErrorClass, readonly string[]>> = {
  throttled: [
    ...[
      'RequestLimitExceeded',
      'Throttling',
      'TooManyRequests',
      'TooManyUpdates',
      'EC2Throttled',
      'Throttled',
    ],
  ],
  denied: [
    ...['AccessDenied', 'UnauthorizedOperation', 'AuthFailure', 'UnrecognizedClient', 'ExpiredToken'],
    ...['InvalidClientTokenId', 'OptInRequired', 'SignatureDoesNotMatch', 'InvalidSignature', 'Blocked'],
    ...['MissingAuthenticationToken', 'InvalidAccessKeyId', 'RequestExpired'],
  ],
  busy: [
    ...['DependencyViolation', 'InvalidGroup.InUse', 'DeleteConflict', 'ConcurrentModification'],
    ...['ClusterContainsTasks', 'UpdateInProgress', 'RouteAlreadyExists', 'IncorrectState'],
  ],
  exists: [
    ...['EntityAlreadyExists', 'InvalidGroup.Duplicate', 'InvalidPermission.Duplicate'],
    ...['ResourceAlreadyExists', 'ParameterAlreadyExists'],
  ],
  gone: [
    ...[
      'NoSuchEntity',
      'InvalidGroup.NotFound',
      'InvalidVpcEndpoint.NotFound',
      'InvalidVpcEndpointId.NotFound',
    ],
    ...['InvalidPermission.NotFound', 'InvalidSecurityGroupRuleId.NotFound', 'ClusterNotFound'],
    ...['ResourceNotFound', 'ParameterNotFound', 'InvalidActivation', 'InvalidActivationId'],
    ...['InvalidInstanceId', 'DoesNotExist'],
  ],
  invalid: [
    ...['InvalidParameterValue', 'InvalidParameters', 'MalformedPolicyDocument', 'Validation', 'Client'],
    ...['DuplicateSubnetsInSameZone', 'VpcEndpointLimitExceeded', 'RulesPerSecurityGroupLimitExceeded'],
    ...['LimitExceeded', 'IdempotentParameterMismatch', 'Conflict', 'BadRequest', 'UnmodifiableEntity'],
    ...[
      'PlatformUnknown',
      'PlatformTaskDefinitionIncompatibility',
      'UnsupportedFeature',
      'ServiceQuotaExceeded',
    ],
    ...['InsufficientFreeAddressesInSubnet', 'InvalidServiceName'],
  ],
  unknown: ['InternalError', 'InternalServerError', 'Server', 'ServiceUnavailable', 'TimeoutError', 'Error'],
};

describe('an AWS error', () => {
  for (const [means, codes] of Object.entries(BY_CODE)) {
    it(`is ${means} by its code, with and without the suffix`, () => {
      const found = codes.flatMap((code) =>
        [code, `${code}Exception`].map((name) => `${name} ${classify(awsError(name))}`),
      );
      expect(found).toEqual(codes.flatMap((code) => [`${code} ${means}`, `${code}Exception ${means}`]));
    });
  }

  const BY_MESSAGE: readonly (readonly [string, string, ErrorClass])[] = [
    [
      'ClientException',
      "ECS was unable to assume the role 'arn:aws:iam::1:role/x' that was provided for this task.",
      'busy',
    ],
    [
      'InvalidParameterException',
      'Unable to assume the service linked role. Please verify that it exists.',
      'busy',
    ],
    [
      'ValidationException',
      'Nonexistent role or missing ssm service principal in trust policy: arn:aws:iam::1:role/x',
      'busy',
    ],
    ['ValidationException', 'Not existing role: arn:aws:iam::1:role/x', 'busy'],
    [
      'InvalidParameter',
      'private-dns-enabled cannot be set because there is already a conflicting DNS domain for x in the VPC vpc-1',
      'busy',
    ],
    [
      'InvalidParameter',
      'route table rtb-1 already has a route with destination-prefix-list-id pl-1',
      'busy',
    ],
    ['InvalidParameter', 'Enabling private DNS requires both enableDnsSupport and …', 'invalid'],
    ['InvalidParameterException', 'The referenced task was not found.', 'gone'],
    ['ClientException', 'Unable to describe task definition.', 'gone'],
    [
      'ClientException',
      'Too many concurrent attempts to create a new revision of the specified family.',
      'throttled',
    ],
    ['ClientException', 'No Container Instances were found in your cluster.', 'invalid'],
  ];
  for (const [name, message, means] of BY_MESSAGE) {
    it(`is ${means} when ${name} says "${message.slice(0, 40)}…"`, () => {
      expect(classify(awsError(name, message))).toBe(means);
    });
  }

  it('that was no request is paced, and what is no error is unknown', () => {
    expect(classify(new PacedByClient('CreateVpcEndpoint', 100))).toBe('throttled');
    expect(classify('a string')).toBe('unknown');
    expect(explain('a string')).toBe('Unknown: a string');
  });

  it('is told in one line of bounded length', () => {
    expect(explain(awsError('AccessDeniedException', 'You may\n  not'))).toBe('AccessDenied: You may not');
    expect(explain(awsError('X', 'y'.repeat(1_000)))).toHaveLength(500);
  });

  it('is success for a removal only when the thing is gone', async () => {
    expect(await unlessGone(async () => 'done')).toBe('done');
    expect(await unlessGone(() => Promise.reject(awsError('NoSuchEntityException')))).toBeUndefined();
    await expect(unlessGone(() => Promise.reject(awsError('DependencyViolation')))).rejects.toThrow();
  });
});
