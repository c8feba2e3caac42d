import { expect, it } from 'vitest';
import { startHarness } from './harness.ts';

it('tells people of a DNS name that never comes free, and asks AWS for it ever more seldom', async () => {
  const harness = startHarness();
  harness.simulator.faults.add({
    service: 'ec2',
    operation: 'CreateVpcEndpoint',
    times: Number.POSITIVE_INFINITY,
    code: 'InvalidParameter',
    message: 'private-dns-enabled cannot be set because there is already a conflicting DNS domain in the VPC',
  });
  await harness.apply('orders', { ttl: '4h' });
  await harness.run(3_600_000);
  const { status } = await harness.get('orders');
  expect(status?.conditions?.find((one) => one.type === 'NetworkReady')).toMatchObject({
    status: 'False',
    reason: 'Failed',
    message: expect.stringContaining('conflicting DNS domain'),
  });
  const events = (await harness.api.events.list()).items;
  expect(
    events
      .filter(({ type }) => type === 'Warning')
      .map(({ message }) => message)
      .join(),
  ).toContain('conflicting DNS domain');
  // Five endpoints: some tries while it may pass by itself, then one of each in five minutes.
  expect(harness.simulator.calls.count('ec2', 'CreateVpcEndpoint')).toBeLessThan(300);
});
