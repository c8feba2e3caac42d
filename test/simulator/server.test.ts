import { request } from 'node:http';
import { CreateSecurityGroupCommand, DescribeVpcsCommand } from '@aws-sdk/client-ec2';
import { ListClustersCommand } from '@aws-sdk/client-ecs';
import { ListRolesCommand } from '@aws-sdk/client-iam';
import {
  GetParameterCommand,
  ResumeSessionCommand,
  StartSessionCommand,
  TerminateSessionCommand,
} from '@aws-sdk/client-ssm';
import { afterEach, describe, expect, it } from 'vitest';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { serveSimulator } from '../../controller/simulator/server.ts';
import { errorName, sdkClients, startSimulator } from './clients.ts';
import { onlineNode } from './node.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function start() {
  const { simulator, clock } = startSimulator();
  const server = await serveSimulator(simulator);
  open.push(server);
  return { simulator, clock, server, ...sdkClients({ endpoint: server.url }) };
}

describe('the simulator over HTTP', () => {
  it('answers SDK clients of every protocol', async () => {
    const { ec2, iam, ecs, ssm } = await start();
    expect((await ec2.send(new DescribeVpcsCommand({}))).Vpcs).toHaveLength(2);
    expect((await iam.send(new ListRolesCommand({}))).Roles).toEqual([]);
    expect((await ecs.send(new ListClustersCommand({}))).clusterArns).toEqual([]);
    expect(await errorName(ssm.send(new GetParameterCommand({ Name: '/none' })))).toBe('ParameterNotFound');
  });

  it('refuses web pages, by their origin and by names that lead here', async () => {
    const { server } = await start();
    const { port } = new URL(server.url);
    const ask = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const call = request({ host: '127.0.0.1', port, method: 'POST', headers });
        call.once('error', reject);
        call.once('response', (response) => resolve(response.resume().statusCode));
        call.end();
      });
    expect(await ask({ origin: 'https://page.example' })).toBe(403);
    expect(await ask({ host: `page.example:${port}` })).toBe(403);
    expect(await ask({ host: `localhost:${port}` })).not.toBe(403);
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

  it("keeps a session's data channel open until the session ends, for whoever has its token", async () => {
    const { simulator, clock, server, ssm } = await start();
    const Target = await onlineNode(simulator, clock);
    const {
      SessionId = '',
      TokenValue = '',
      StreamUrl = '',
    } = await ssm.send(new StartSessionCommand({ Target }));
    expect(StreamUrl.replace(/\?.*/, '')).toBe(
      `${server.url.replace('http:', 'ws:')}/v1/data-channel/${SessionId}`,
    );
    const open = (token: string) =>
      fetch(StreamUrl.replace('ws:', 'http:'), { headers: { authorization: `Bearer ${token}` } });
    expect((await open('another')).status).toBe(403);
    const again = await ssm.send(new ResumeSessionCommand({ SessionId }));
    const channels = await Promise.all([open(TokenValue), open(again.TokenValue ?? '')]);
    expect(channels.map(({ status }) => status)).toEqual([200, 200]);
    await ssm.send(new TerminateSessionCommand({ SessionId }));
    expect(await Promise.all(channels.map((channel) => channel.text()))).toEqual(['', '']);
    expect((await open(TokenValue)).status).toBe(403);
    expect(await errorName(ssm.send(new ResumeSessionCommand({ SessionId })))).toBe('DoesNotExistException');
  });

  it('ends the data channels of a target that goes', async () => {
    const { simulator, clock, ssm } = await start();
    const Target = await onlineNode(simulator, clock);
    const { TokenValue = '', StreamUrl = '' } = await ssm.send(new StartSessionCommand({ Target }));
    const headers = { authorization: `Bearer ${TokenValue}` };
    const channel = await fetch(StreamUrl.replace('ws:', 'http:'), { headers });
    simulator.ssm.endSessions(Target);
    expect(await channel.text()).toBe('');
  });
});
