import { CreateSecurityGroupCommand, DescribeVpcsCommand } from '@aws-sdk/client-ec2';
import { ListClustersCommand } from '@aws-sdk/client-ecs';
import { ListRolesCommand } from '@aws-sdk/client-iam';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { afterEach, describe, expect, it } from 'vitest';
import { ORDINARY } from '../../../controller/aws/simulator/seed.ts';
import { serveSimulator } from '../../../controller/aws/simulator/server.ts';
import { errorName, sdkClients, startSimulator } from './clients.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function start() {
  const { simulator } = startSimulator();
  const server = await serveSimulator(simulator);
  open.push(server);
  return { simulator, server, ...sdkClients({ endpoint: server.url }) };
}

describe('the simulator over HTTP', () => {
  it('answers SDK clients of every protocol', async () => {
    const { ec2, iam, ecs, ssm } = await start();
    expect((await ec2.send(new DescribeVpcsCommand({}))).Vpcs).toHaveLength(2);
    expect((await iam.send(new ListRolesCommand({}))).Roles).toEqual([]);
    expect((await ecs.send(new ListClustersCommand({}))).clusterArns).toEqual([]);
    expect(await errorName(ssm.send(new GetParameterCommand({ Name: '/none' })))).toBe('ParameterNotFound');
  });

  it('breaks the connection when a fault loses the reply', async () => {
    const { ec2, simulator } = await start();
    simulator.faults.add({ operation: 'CreateSecurityGroup', when: 'lost' });
    const create = { GroupName: 'a', Description: 'd', VpcId: ORDINARY.isolatedVpc };
    await expect(ec2.send(new CreateSecurityGroupCommand(create))).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    const groups = [...simulator.ec2.state.groups.values()];
    expect(groups.some((group) => group.name === 'a')).toBe(true);
  });

  it('listens on the loopback only and refuses bodies without end', async () => {
    const { server } = await start();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const response = await fetch(server.url, { method: 'POST', body: 'x'.repeat(1_000_001) });
    expect(response.status).toBe(500);
    expect(await response.text()).toContain('longer than 1000000 bytes');
  });
});
