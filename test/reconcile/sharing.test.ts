import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
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

  it('asks once for a change of a shared endpoint, while the task of the second one is still starting', async () => {
    const harness = startHarness();
    const { state, operations } = harness.simulator.ec2;
    const network = { vpcId: ORDINARY.isolatedVpc, subnetIds: [String(first)], path: 'Auto' as const };
    const isReady = (name: string) => async () => (await harness.phase(name)) === 'Ready';
    await harness.apply('one', { network });
    await harness.runUntil(isReady('one'));
    // Of one alone: AWS's rate holds back none of the calls.
    const changed = [...state.endpoints.values()].find(({ type }) => type === 'Interface');
    if (!changed) throw new Error('there is no endpoint');
    changed.privateDns = false;
    const modify = operations['ModifyVpcEndpoint'];
    const modified: unknown[] = [];
    Object.assign(operations, {
      ModifyVpcEndpoint: (input: Record<string, unknown>) => {
        modified.push(input['VpcEndpointId']);
        return modify?.(input);
      },
    });

    await harness.apply('two', { network });
    await harness.runUntil(isReady('two'));

    expect(modified).toEqual([changed.id]);
  });
});
