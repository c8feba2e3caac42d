/**
 * Request rates AWS publishes or is known to apply (aws-facts 8), per account and region. The simulator throttles by
 * them and the client paces itself by them. What is not here has no known rate.
 */
export interface Rate {
  readonly service: string;
  /** Exact names, or a prefix followed by `*`. The first row that matches counts. */
  readonly operations: readonly string[];
  readonly burst: number;
  readonly perSecond: number;
  /** One bucket for all the row's operations; otherwise each operation has its own. */
  readonly shared?: boolean;
  /** Applies only to a describe with neither filter, nor ids, nor page size. */
  readonly unbounded?: boolean;
}

const RATES: readonly Rate[] = [
  {
    service: 'ec2',
    operations: ['CreateVpcEndpoint', 'ModifyVpcEndpoint', 'DeleteVpcEndpoints'],
    burst: 4,
    perSecond: 0.3,
  },
  { service: 'ec2', operations: ['CreateTags', 'DeleteTags'], burst: 100, perSecond: 10 },
  { service: 'ec2', operations: ['Describe*'], burst: 50, perSecond: 10, unbounded: true },
  { service: 'ec2', operations: ['Describe*', 'Get*', 'List*', 'Search*'], burst: 100, perSecond: 20 },
  { service: 'ec2', operations: ['*'], burst: 50, perSecond: 5 },
  {
    service: 'ecs',
    operations: ['RunTask', 'StopTask', 'ExecuteCommand'],
    burst: 100,
    perSecond: 40,
    shared: true,
  },
  { service: 'ecs', operations: ['DescribeTasks', 'ListTasks'], burst: 100, perSecond: 20, shared: true },
  {
    service: 'ecs',
    operations: ['RegisterTaskDefinition', 'DeregisterTaskDefinition'],
    burst: 20,
    perSecond: 1,
    shared: true,
  },
  { service: 'ecs', operations: ['DeleteTaskDefinitions'], burst: 5, perSecond: 1 },
  { service: 'ecs', operations: ['TagResource', 'UntagResource'], burst: 20, perSecond: 10, shared: true },
  { service: 'ssm', operations: ['StartSession'], burst: 3, perSecond: 3 },
  {
    service: 'ssm',
    operations: ['DescribeSessions', 'TerminateSession', 'ResumeSession'],
    burst: 6,
    perSecond: 6,
  },
  { service: 'ssm', operations: ['GetConnectionStatus'], burst: 50, perSecond: 50 },
];

/** The bucket a request takes its token from. Requests with the same `key` share one. */
export interface Bucket {
  readonly key: string;
  readonly burst: number;
  readonly perSecond: number;
}

/** `unbounded`: the request is a describe with neither filter, nor ids, nor page size. */
export function bucketFor(service: string, operation: string, unbounded = false): Bucket | undefined {
  const index = RATES.findIndex(
    (rate) =>
      rate.service === service &&
      (!rate.unbounded || unbounded) &&
      rate.operations.some((pattern) => matches(pattern, operation)),
  );
  const rate = RATES[index];
  if (!rate) return undefined;
  const name = rate.shared ? rate.operations.join('+') : operation;
  return {
    key: `${service}:${name}${rate.unbounded ? ':unbounded' : ''}`,
    burst: rate.burst,
    perSecond: rate.perSecond,
  };
}

function matches(pattern: string, operation: string): boolean {
  return pattern.endsWith('*') ? operation.startsWith(pattern.slice(0, -1)) : pattern === operation;
}

/** A bucket that starts full. Time is what the caller says it is, in milliseconds. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #at: number;

  constructor(rate: Pick<Bucket, 'burst' | 'perSecond'>, now: number) {
    this.#burst = rate.burst;
    this.#perMs = rate.perSecond / 1000;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** Takes a token if there is one. */
  take(now: number): boolean {
    if (this.waitMs(now) > 0) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Milliseconds until `take` would succeed; 0 when it would now. */
  waitMs(now: number): number {
    this.#refill(now);
    // A refill of exactly one token can fall short by rounding; without the margin a caller who waited would wait again.
    return this.#tokens >= 1 - 1e-9 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs);
  }

  #refill(now: number): void {
    const elapsed = Math.max(0, now - this.#at);
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed * this.#perMs);
    this.#at = Math.max(this.#at, now);
  }
}
