import { describe, expect, it } from 'vitest';
import { bucketFor, TokenBucket } from '../../controller/aws/rates.ts';

describe('buckets', () => {
  it('belong to one operation, or to several that share one', () => {
    expect(bucketFor('ec2', 'CreateVpcEndpoint')).toEqual({
      key: 'ec2:CreateVpcEndpoint',
      burst: 4,
      perSecond: 0.3,
    });
    expect(bucketFor('ec2', 'CreateSecurityGroup')).toMatchObject({ burst: 50, perSecond: 5 });
    expect(bucketFor('ec2', 'DescribeVpcs', true)).toMatchObject({ burst: 50, perSecond: 10 });
    expect(bucketFor('ec2', 'DescribeVpcs')).toMatchObject({ burst: 100, perSecond: 20 });
    expect(bucketFor('ecs', 'RunTask')?.key).toBe(bucketFor('ecs', 'StopTask')?.key);
    expect(bucketFor('iam', 'CreateRole')).toBeUndefined();
  });

  it('start full, refill with time, and never above their burst', () => {
    const bucket = new TokenBucket({ burst: 2, perSecond: 0.5 }, 0);
    expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([true, true, false]);
    expect(bucket.waitMs(0)).toBe(2000);
    expect([bucket.take(1999), bucket.take(2000)]).toEqual([false, true]);
    expect([bucket.take(100_000), bucket.take(100_000), bucket.take(100_000)]).toEqual([true, true, false]);
  });

  it('let a caller through who waited as long as told', () => {
    const bucket = new TokenBucket({ burst: 4, perSecond: 0.3 }, 0);
    let now = 0;
    for (let call = 0; call < 200; call++) {
      now += bucket.waitMs(now);
      expect(bucket.take(now)).toBe(true);
    }
    expect(now).toBeGreaterThan(196 / 0.0003 - 1);
  });

  it('do not refill when time steps back', () => {
    const bucket = new TokenBucket({ burst: 1, perSecond: 1 }, 10_000);
    expect([bucket.take(10_000), bucket.take(0), bucket.take(10_500), bucket.take(11_000)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });
});
