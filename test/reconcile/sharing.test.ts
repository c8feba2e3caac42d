import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/aws/simulator/seed.ts';
import { startHarness } from './harness.ts';

const [first, second] = ORDINARY.isolatedSubnets;

describe('two Bastions in one VPC', () => {
  it('leaves one Ready while the shared endpoints lose the zone that only the other needed', async () => {
    const harness = startHarness();
    await harness.apply('one', {
      network: { vpcId: ORDINARY.isolatedVpc, subnetIds: [first], path: 'Auto' },
    });
    await harness.apply('two', {
      network: { vpcId: ORDINARY.isolatedVpc, subnetIds: [second], path: 'Auto' },
    });
    const phases = async () => [await harness.phase('one'), await harness.phase('two')].join();
    await harness.runUntil(async () => (await phases()) === 'Ready,Ready');

    await harness.api.bastions.patch('default', 'two', { spec: { suspend: true } });
    const seen = new Set<string | undefined>();
    await harness.runUntil(async () => {
      seen.add(await harness.phase('one'));
      return (await harness.phase('two')) === 'Suspended';
    });

    expect([...seen]).toEqual(['Ready']);
    const endpoints = [...harness.simulator.ec2.state.endpoints.values()];
    const interfaces = endpoints.filter(({ type, state }) => type === 'Interface' && state !== 'deleted');
    expect(interfaces.map((endpoint) => [...endpoint.interfaces.keys()])).toEqual(Array(4).fill([first]));
  });
});
