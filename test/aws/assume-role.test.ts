import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { type AssumeRoleOptions, assumeRole } from '../../controller/aws/assume-role.ts';
import type { Trust } from '../../controller/simulator/sts/sts.ts';
import { REGION, startSimulator } from '../simulator/clients.ts';

const OTHER = '222222222222';
const ROLE = `arn:aws:iam::${OTHER}:role/bastion-operator-controller`;
const HOUR = 3_600_000;

function setUp(change: Partial<AssumeRoleOptions> = {}, trust?: Trust) {
  const { clock, simulator } = startSimulator(trust ? { trust } : {});
  const { requestHandler } = simulator;
  const own = { accessKeyId: 'AKIASIMULATED', secretAccessKey: 'simulated' };
  const credentials = assumeRole({
    ...{ connection: { requestHandler, credentials: own }, region: REGION, clock },
    ...{ accountId: OTHER, roleArn: ROLE, ...change },
  });
  const client = { requestHandler, credentials, region: REGION, maxAttempts: 1 };
  const assumed = () => simulator.calls.count('sts', 'AssumeRole');
  return { clock, simulator, credentials, assumed, sts: new STSClient(client), ec2: new EC2Client(client) };
}

describe('credentials in another account', () => {
  it('are of that account, with resources of its own', async () => {
    const { sts, ec2, simulator } = setUp();
    expect((await sts.send(new GetCallerIdentityCommand({}))).Account).toBe(OTHER);
    simulator.inAccount(OTHER).base.ec2.addVpc({ id: 'vpc-0000000000000ffff', cidrs: ['10.9.0.0/16'] });
    const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand({}));
    expect(Vpcs.map(({ VpcId }) => VpcId)).toContain('vpc-0000000000000ffff');
    expect(simulator.ec2.state.vpcs.has('vpc-0000000000000ffff')).toBe(false);
  });

  it('are asked for once by all who need them, and anew before they end', async () => {
    const { sts, credentials, assumed, clock } = setUp();
    await Promise.all([credentials(), credentials(), sts.send(new GetCallerIdentityCommand({}))]);
    await sts.send(new GetCallerIdentityCommand({}));
    expect(assumed()).toBe(1);
    await clock.advance(HOUR - 4 * 60_000);
    await sts.send(new GetCallerIdentityCommand({}));
    expect(assumed()).toBe(2);
    await clock.advance(3 * HOUR);
    await sts.send(new GetCallerIdentityCommand({}));
    expect(assumed()).toBe(3);
  });

  it('need the external id that the role asks for, and are tried again after a refusal', async () => {
    const state = { wanted: 'right' };
    const trust: Trust = (_role, externalId) => externalId === state.wanted;
    const { credentials } = setUp({ externalId: 'ours' }, trust);
    await expect(credentials()).rejects.toThrow(
      `${ROLE} cannot be assumed: AccessDenied: User: arn:aws:sts::111122223333:assumed-role/operator/operator is not authorized to perform: sts:AssumeRole on resource: ${ROLE}: check its trust policy`,
    );
    state.wanted = 'ours';
    expect((await credentials()).accessKeyId).toMatch(/^ASIA222222222222/);
  });

  it('of another account than the configured one are not used', async () => {
    const { credentials } = setUp({ accountId: '333333333333' });
    await expect(credentials()).rejects.toThrow('is of account 222222222222, and 333333333333 is configured');
  });
});
