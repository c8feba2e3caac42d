import {
  CreateSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcsCommand,
} from '@aws-sdk/client-ec2';
import { ListClustersCommand } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { errorName, startSimulator } from './clients.ts';

const create = (GroupName: string) =>
  new CreateSecurityGroupCommand({ GroupName, Description: 'd', VpcId: ORDINARY.isolatedVpc });

function start() {
  const started = startSimulator();
  const exists = async (name: string) => {
    const { SecurityGroups } = await started.ec2.send(
      new DescribeSecurityGroupsCommand({ GroupNames: [name] }),
    );
    return SecurityGroups?.length === 1;
  };
  return { ...started, exists };
}

describe('injected faults', () => {
  it('refuse before anything happens, for the calls they name', async () => {
    const { ec2, simulator, exists } = start();
    const when = { service: 'ec2', operation: 'CreateSecurityGroup', nth: 2, times: 2 };
    simulator.faults.add({ ...when, code: 'Unavailable', status: 503 });
    const names: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) names.push(await errorName(ec2.send(create(name))));
    expect(names).toEqual(['none', 'Unavailable', 'Unavailable', 'none']);
    expect([await exists('a'), await exists('b')]).toEqual([true, false]);
  });

  it('let the effect happen and hide it behind an error', async () => {
    const { ec2, simulator, exists } = start();
    simulator.faults.add({ operation: 'CreateSecurityGroup', when: 'after' });
    expect(await errorName(ec2.send(create('a')))).toBe('InternalError');
    expect(await exists('a')).toBe(true);
  });

  it('let the effect happen and lose the reply', async () => {
    const { ec2, simulator, exists } = start();
    simulator.faults.add({ operation: 'CreateSecurityGroup', when: 'lost' });
    expect(await errorName(ec2.send(create('a')))).toBe('TimeoutError');
    expect(await exists('a')).toBe(true);
  });

  it('deny access in each service’s words until they are disarmed', async () => {
    const { ec2, ecs, simulator } = start();
    const allowAgain = simulator.faults.deny('ec2', 'DescribeVpcs');
    simulator.faults.deny('ecs', 'ListClusters');
    const ask = () => errorName(ec2.send(new DescribeVpcsCommand({})));
    expect([await ask(), await ask()]).toEqual(['UnauthorizedOperation', 'UnauthorizedOperation']);
    expect(await errorName(ecs.send(new ListClustersCommand({})))).toBe('AccessDeniedException');
    allowAgain();
    expect(await ask()).toBe('none');
  });
});

describe('throttling', () => {
  it('lets four endpoint changes through at once and then one every 3.3 seconds', async () => {
    const { ec2, clock, simulator } = start();
    const { handle } = simulator;
    const remove = () => {
      const headers = { host: 'ec2.ap-northeast-1.amazonaws.com' };
      const body = 'Action=DeleteVpcEndpoints&VpcEndpointId.1=vpce-1';
      return handle({ method: 'POST', path: '/', headers, body }).status;
    };
    expect([remove(), remove(), remove(), remove(), remove()]).toEqual([200, 200, 200, 200, 503]);
    await clock.advance(3334);
    expect([remove(), remove()]).toEqual([200, 503]);
    expect(await errorName(ec2.send(new DescribeVpcsCommand({})))).toBe('none');
    simulator.throttling = false;
    expect(remove()).toBe(200);
  });

  it('gives unbounded describes a smaller bucket, and names the error as EC2 does', async () => {
    const { ec2 } = start();
    const ask = (VpcIds?: string[]) => errorName(ec2.send(new DescribeVpcsCommand(VpcIds ? { VpcIds } : {})));
    for (let count = 0; count < 50; count++) expect(await ask()).toBe('none');
    expect(await ask()).toBe('RequestLimitExceeded');
    expect(await ask([ORDINARY.natVpc])).toBe('none');
  });
});

describe('the record of calls', () => {
  it('holds what was asked, when, and what was refused', async () => {
    const { ec2, simulator, clock } = start();
    await clock.advance(1000);
    await ec2.send(create('a'));
    await errorName(ec2.send(create('a')));
    await ec2.send(new DescribeVpcsCommand({}));
    const call = {
      service: 'ec2',
      operation: 'CreateSecurityGroup',
      region: 'ap-northeast-1',
      at: clock.now(),
    };
    expect(simulator.calls.mutations()).toEqual([call, { ...call, code: 'InvalidGroup.Duplicate' }]);
    expect(simulator.calls.count('ec2', 'CreateSecurityGroup')).toBe(2);
    expect(simulator.calls.list()).toHaveLength(3);
    simulator.calls.clear();
    expect(simulator.calls.list()).toEqual([]);
  });
});
