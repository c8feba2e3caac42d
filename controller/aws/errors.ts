/** What an AWS error means for the one who called. */
export type ErrorClass = 'gone' | 'exists' | 'busy' | 'throttled' | 'denied' | 'invalid' | 'unknown';

/*
 * ONE table. The first rule that matches wins. Codes come with and without the `Exception` suffix and the EC2 ones with
 * different prefixes per resource, so the suffix (or RDS' `Fault`) is dropped before matching. (aws-facts 1, 3, 4, 6, 7, 8)
 */
const RULES: readonly { readonly means: ErrorClass; readonly code: RegExp; readonly message?: RegExp }[] = [
  {
    means: 'throttled',
    code: /^(RequestLimitExceeded|Throttling|Throttled|TooManyRequests|EC2Throttled|PacedByClient|Fenced|TooManyUpdates|RequestThrottled|PriorRequestNotComplete|SlowDown)$/,
  },
  { means: 'throttled', code: /^Client$/, message: /[Tt]oo many concurrent attempts/ },
  {
    means: 'denied',
    code: /^(AccessDenied|UnauthorizedOperation|AuthFailure|UnrecognizedClient|ExpiredToken|InvalidClientTokenId|OptInRequired|CredentialsProviderError|TokenProviderError|NotAuthorized|Unauthorized|Blocked|PendingVerification|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|InvalidAccessKeyId|MissingAuthenticationToken|RequestExpired)$/,
  },
  {
    means: 'busy',
    code: /^(DependencyViolation|InvalidGroup\.InUse|DeleteConflict|ConcurrentModification|ClusterContainsTasks|UpdateInProgress|ResourceInUse|OperationAborted)$/,
  },
  // A role that was just made cannot be assumed yet; a wrong one never can. Both are tried again, with back-off.
  {
    means: 'busy',
    code: /^(Client|Validation|InvalidParameter)$/,
    message:
      /unable to assume the (service linked )?role|nonexistent role|not existing role|must allow .* to assume the role/i,
  },
  // The private DNS name of a deleted endpoint can linger (anecdotal), and so can a deleted gateway route.
  { means: 'busy', code: /^InvalidParameter$/, message: /conflicting DNS domain|already has a route/ },
  { means: 'busy', code: /^(RouteAlreadyExists|IncorrectState|CapacityUnavailable)$/ },
  {
    means: 'exists',
    code: /^(EntityAlreadyExists|InvalidGroup\.Duplicate|InvalidPermission\.Duplicate|ResourceAlreadyExists|ParameterAlreadyExists)$/,
  },
  {
    means: 'gone',
    code: /NotFound$|^(NoSuchEntity|InvalidActivation|InvalidActivationId|InvalidInstanceId|InvalidResourceId|ParameterNotFound|DoesNotExist)$/,
  },
  {
    means: 'gone',
    code: /^(InvalidParameter|Client)$/,
    message: /not found|does not exist|unable to describe task definition/i,
  },
  {
    means: 'invalid',
    code: /^(Invalid|TagPolicy|Malformed|Validation|Missing|Unsupported|Unmodifiable|Platform|Insufficient|ServiceQuotaExceeded|DuplicateSubnets|Client|Conflict|Limit|.*LimitExceeded|IdempotentParameterMismatch|BadRequest)/,
  },
];

/** Tells what to do about an error by its AWS code and message; errors of the network and of 5xx are `unknown`. */
export function classify(error: unknown): ErrorClass {
  const { code, message } = describeError(error);
  return (
    RULES.find((rule) => rule.code.test(code) && (rule.message?.test(message) ?? true))?.means ?? 'unknown'
  );
}

/** The code without its suffix, and the message, of whatever was thrown. */
function describeError(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'Unknown', message: String(error) };
  return { code: error.name.replace(/(Exception|Fault)$/, ''), message: error.message };
}

/** One line for a condition or an event, such as `AccessDenied: … (ec2:CreateVpcEndpoint)`. */
export function explain(error: unknown): string {
  const { code, message } = describeError(error);
  return `${code}: ${message}`.replace(/\s+/g, ' ').slice(0, 500);
}

/**
 * The service does not let us in, whatever is asked of it: the rights for it are missing, an organization forbids it, or the
 * region has no such service. Credentials that have run out say nothing of the kind.
 */
export function isRefused(error: unknown): boolean {
  const { code, message } = describeError(error);
  const isDenied = /^(AccessDenied|OptInRequired|NotAuthorized|Unauthorized|SubscriptionRequired)$/.test(
    code,
  );
  return isDenied || /getaddrinfo ENOTFOUND/.test(message);
}

/** Runs a removal; that its object is gone already is success. */
export async function unlessGone<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (classify(error) !== 'gone') throw error;
    return undefined;
  }
}
