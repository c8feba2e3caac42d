import { CreateVpcEndpointCommand, DescribeVpcsCommand } from '@aws-sdk/client-ec2';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { Fenced } from '../../controller/api/fence.ts';
import { connect, PacedByClient, readAccountId, TIMEOUTS } from '../../controller/aws/clients.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { serveSimulator } from '../../controller/simulator/server.ts';
import { ACCOUNT, REGION, startSimulator } from '../simulator/clients.ts';

function setUp() {
  const { clock, simulator } = startSimulator();
  const calls: { service: string; operation: string; code?: string }[] = [];
  const connection = {
    requestHandler: simulator.requestHandler,
    credentials: { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' },
  };
  const open = (region = REGION) =>
    connect({
      ...{ connection, clock, scope: { accountId: ACCOUNT, region, installation: 'test' } },
      onCall: (call) => calls.push(call),
    });
  return { clock, simulator, calls, connection, open };
}

const endpoint = (service: string) =>
  new CreateVpcEndpointCommand({
    VpcId: ORDINARY.isolatedVpc,
    ServiceName: `com.amazonaws.${REGION}.${service}`,
    VpcEndpointType: 'Interface',
    SubnetIds: [ORDINARY.isolatedSubnets[0]],
  });

describe('the clients of a scope', () => {
  it('throw instead of sending what the published rate would refuse, and say how long to wait', async () => {
    const { clock, simulator, calls, open } = setUp();
    const { ec2 } = open()();
    for (const service of ['ecr.api', 'ecr.dkr', 'logs', 'ssm']) await ec2.send(endpoint(service));
    const paced: unknown = await ec2.send(endpoint('ssmmessages')).catch((error: unknown) => error);
    expect(paced).toBeInstanceOf(PacedByClient);
    const waitMs = paced instanceof PacedByClient ? paced.retryAfterMs : 0;
    expect(waitMs).toBe(3_334);
    expect(simulator.calls.count('ec2', 'CreateVpcEndpoint')).toBe(4);
    expect(calls).toHaveLength(4);
    await clock.advance(waitMs);
    await ec2.send(endpoint('ssmmessages'));
    expect(simulator.calls.list().filter(({ code }) => code !== undefined)).toEqual([]);
  });

  it('keep the pace from pass to pass, and of each region by itself', async () => {
    const { open } = setUp();
    const pass = open();
    for (const service of ['ecr.api', 'ecr.dkr', 'logs', 'ssm']) await pass().ec2.send(endpoint(service));
    await expect(pass().ec2.send(endpoint('ssmmessages'))).rejects.toBeInstanceOf(PacedByClient);
    const elsewhere = open('eu-west-1')().ec2.send(new DescribeVpcsCommand({}));
    await expect(elsewhere).resolves.toMatchObject({ Vpcs: expect.any(Array) });
  });

  it('ask once, and count what was asked and how it failed', async () => {
    const { simulator, calls, open } = setUp();
    simulator.faults.add({ service: 'ec2', operation: 'DescribeVpcs', code: 'InternalError', status: 500 });
    const { ec2, iam } = open()();
    await expect(ec2.send(new DescribeVpcsCommand({}))).rejects.toMatchObject({ name: 'InternalError' });
    await expect(iam.send(new GetRoleCommand({ RoleName: 'nobody' }))).rejects.toThrow();
    await ec2.send(new DescribeVpcsCommand({}));
    expect(calls).toEqual([
      { service: 'ec2', operation: 'DescribeVpcs', code: 'InternalError' },
      { service: 'iam', operation: 'GetRole', code: 'NoSuchEntityException' },
      { service: 'ec2', operation: 'DescribeVpcs' },
    ]);
    expect(simulator.calls.count('ec2', 'DescribeVpcs')).toBe(2);
  });

  it('read a list that several kinds share once per pass', async () => {
    const { simulator, open } = setUp();
    const pass = open();
    const { reads } = pass();
    await Promise.all([reads.securityGroups(), reads.securityGroups()]);
    expect(simulator.calls.count('ec2', 'DescribeSecurityGroups')).toBe(1);
    await pass().reads.securityGroups();
    expect(simulator.calls.count('ec2', 'DescribeSecurityGroups')).toBe(2);
  });

  it('send nothing once they may not, not even what has been signed, and count nothing of it', async () => {
    const { clock, simulator, calls, connection } = setUp();
    const state = { mayCall: true, signed: 0 };
    const credentials = async () => {
      state.signed++;
      state.mayCall = false;
      return connection.credentials;
    };
    const { ec2 } = connect({
      ...{ connection: { ...connection, credentials }, clock, mayCall: () => state.mayCall },
      scope: { accountId: ACCOUNT, region: REGION, installation: 'test' },
      onCall: (call) => calls.push(call),
    })();
    await expect(ec2.send(endpoint('ecr.api'))).rejects.toBeInstanceOf(Fenced);
    expect(state.signed).toBe(1);
    await expect(ec2.send(new DescribeVpcsCommand({}))).rejects.toBeInstanceOf(Fenced);
    expect([state.signed, simulator.calls.list(), calls]).toEqual([1, [], []]);
  });

  it('send nothing for which there is no leave when the connection stands, and ask for each request', async () => {
    const { clock, simulator, connection } = setUp();
    const server = await serveSimulator(simulator);
    const asked = { times: 0, allowed: 2 };
    const { ec2 } = connect({
      connection: { ...connection, endpoint: server.url, requestHandler: TIMEOUTS },
      ...{ clock, scope: { accountId: ACCOUNT, region: REGION, installation: 'test' } },
      mayCall: () => ++asked.times <= asked.allowed,
    })();
    await expect(ec2.send(new DescribeVpcsCommand({}))).rejects.toBeInstanceOf(Fenced);
    expect([asked.times, simulator.calls.list()]).toEqual([3, []]);
    asked.allowed = 9;
    await ec2.send(new DescribeVpcsCommand({}));
    await ec2.send(new DescribeVpcsCommand({}));
    expect([asked.times, simulator.calls.list().length]).toEqual([9, 2]);
    await server.close();
  });

  it('learn from STS who they are', async () => {
    const { connection, simulator } = setUp();
    expect(await readAccountId(connection, REGION)).toBe(ACCOUNT);
    simulator.faults.deny('sts', 'GetCallerIdentity');
    await expect(readAccountId(connection, REGION)).rejects.toMatchObject({ name: /AccessDenied/ });
  });
});
