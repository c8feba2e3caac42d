import { bucketFor, TokenBucket } from '../aws/rates.ts';
import type { Call } from './wire/decode.ts';
import { AwsFault } from './world.ts';

/** Refuses what exceeds AWS's request rates, per account and region. */
export class Throttle {
  readonly #buckets = new Map<string, TokenBucket>();

  /** @throws AwsFault RequestLimitExceeded | ThrottlingException */
  admit({ service, operation, input }: Call, place: string, now: number): void {
    const rate = bucketFor(service, operation, Object.keys(input).length === 0);
    if (!rate) return;
    const key = `${place} ${rate.key}`;
    const bucket = this.#buckets.get(key) ?? new TokenBucket(rate, now);
    this.#buckets.set(key, bucket);
    if (bucket.take(now)) return;
    if (service === 'ec2') throw new AwsFault('RequestLimitExceeded', 'Request limit exceeded.', 503);
    throw new AwsFault('ThrottlingException', 'Rate exceeded');
  }
}
