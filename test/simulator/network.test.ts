import { describe, expect, it } from 'vitest';
import type { NewRule } from '../../controller/simulator/ec2/permissions.ts';
import type { NetworkService, Reach } from '../../controller/simulator/network.ts';
import { ORDINARY } from '../../controller/simulator/seed.ts';
import { startSimulator } from './clients.ts';

const [SUBNET_A, SUBNET_C] = ORDINARY.isolatedSubnets;
const S3_LIST = 'pl-61a54008';

const https = (egress: boolean, kind: NewRule['peer']['kind'], value: string, port = 443): NewRule => ({
  ...{ egress, protocol: 'tcp', from: port, to: port, peer: { kind, value } },
});

function start() {
  const { simulator, clock } = startSimulator();
  const { ec2, network } = simulator;
  const addGroup = (name: string, rules: NewRule[], vpcId: string = ORDINARY.isolatedVpc) => {
    const group = ec2.addSecurityGroup({ vpcId, name });
    group.rules.clear();
    for (const [index, rule] of rules.entries()) {
      group.rules.set(`${name}-${index}`, { ...rule, id: `${name}-${index}`, groupId: group.id });
    }
    return group.id;
  };
  const addEndpoint = (service: string, input: Record<string, unknown>) => {
    const names = { VpcId: ORDINARY.isolatedVpc, ServiceName: `com.amazonaws.ap-northeast-1.${service}` };
    simulator.settle();
    ec2.operations['CreateVpcEndpoint']?.({ VpcEndpointType: 'Interface', ...names, ...input });
  };
  const available = async () => {
    await clock.advance(60_000);
    simulator.settle();
  };
  const reach = (groupId: string, service: NetworkService, subnetId: string = SUBNET_A) =>
    outcome(network.reach({ subnetId, groupIds: [groupId] }, service));
  return { simulator, ec2, network, clock, addGroup, addEndpoint, available, reach };
}

function outcome(reached: Reach): string {
  return reached.ok ? reached.via : reached.because;
}

describe('reaching an AWS service', () => {
  it('fails without an endpoint and without a NAT route', () => {
    const { addGroup, reach } = start();
    const task = addGroup('task', [https(true, 'ipv4', '0.0.0.0/0')]);
    expect(reach(task, 'ecr.api')).toBe('no-endpoint');
    expect(reach(task, 's3')).toBe('no-gateway-route');
    expect(reach(task, 'internet')).toBe('no-route');
  });

  it('goes through an endpoint from every subnet of the VPC, once it is available', async () => {
    const { addGroup, addEndpoint, available, reach } = start();
    const endpoint = addGroup('endpoint', [https(false, 'ipv4', '10.0.0.0/16')]);
    const task = addGroup('task', [https(true, 'group', endpoint)]);
    addEndpoint('ecr.api', { SubnetId: [SUBNET_A], SecurityGroupId: [endpoint] });
    expect(reach(task, 'ecr.api')).toBe('endpoint-not-available');
    await available();
    expect([reach(task, 'ecr.api'), reach(task, 'ecr.api', SUBNET_C)]).toEqual(['endpoint', 'endpoint']);
    expect(reach(task, 'ecr.dkr')).toBe('no-endpoint');
  });

  it('needs the rules on both sides, by group or by address', async () => {
    const { addGroup, addEndpoint, available, reach, simulator } = start();
    const closed = addGroup('closed', []);
    const byAddress = addGroup('by-address', [https(true, 'ipv4', '10.0.1.0/24')]);
    const endpoint = addGroup('endpoint', [https(false, 'group', byAddress)]);
    const byGroup = addGroup('by-group', [https(true, 'group', endpoint)]);
    addEndpoint('logs', { SubnetId: [SUBNET_A], SecurityGroupId: [endpoint] });
    await available();
    expect(reach(closed, 'logs')).toBe('egress-to-endpoint');
    expect(reach(byAddress, 'logs')).toBe('endpoint');
    expect(reach(byGroup, 'logs')).toBe('endpoint-ingress');
    simulator.ec2.state.vpc(ORDINARY.isolatedVpc).dnsSupport = false;
    expect(reach(byAddress, 'logs')).toBe('no-dns');
  });

  it('does not find an endpoint without private DNS', async () => {
    const { addGroup, addEndpoint, available, reach } = start();
    const task = addGroup('task', [https(true, 'ipv4', '0.0.0.0/0')]);
    addEndpoint('logs', { SubnetId: [SUBNET_A], PrivateDnsEnabled: 'false' });
    await available();
    expect(reach(task, 'logs')).toBe('endpoint-without-private-dns');
  });

  it('goes through NAT, unless an endpoint has captured the name', async () => {
    const { addGroup, addEndpoint, available, reach } = start();
    const task = addGroup('task', [https(true, 'ipv4', '0.0.0.0/0')], ORDINARY.natVpc);
    const closed = addGroup('closed', [], ORDINARY.natVpc);
    const endpoint = addGroup('endpoint', [], ORDINARY.natVpc);
    const [subnet, other] = ORDINARY.natSubnets;
    expect([reach(task, 'logs', subnet), reach(task, 's3', subnet)]).toEqual(['nat', 'nat']);
    expect(reach(closed, 'logs', subnet)).toBe('egress-to-internet');
    addEndpoint('logs', { VpcId: ORDINARY.natVpc, SubnetId: [other], SecurityGroupId: [endpoint] });
    expect(reach(task, 'logs', subnet)).toBe('nat');
    await available();
    expect(reach(task, 'logs', subnet)).toBe('endpoint-ingress');
  });

  it('reaches S3 through the gateway of its own route table, when egress to the prefix list is open', async () => {
    const { addGroup, addEndpoint, available, reach } = start();
    const task = addGroup('task', [https(true, 'prefix-list', S3_LIST)]);
    const wide = addGroup('wide', [https(true, 'ipv4', '0.0.0.0/0')]);
    const closed = addGroup('closed', [https(true, 'ipv4', '10.0.0.0/16')]);
    const tables = { RouteTableId: [ORDINARY.isolatedRouteTables[0]] };
    addEndpoint('s3', { VpcEndpointType: 'Gateway', ...tables });
    await available();
    expect([reach(task, 's3'), reach(wide, 's3')]).toEqual(['gateway', 'gateway']);
    expect(reach(closed, 's3')).toBe('egress-to-prefix-list');
    expect(reach(task, 's3', SUBNET_C)).toBe('no-gateway-route');
  });
});

describe('connecting to a target', () => {
  it('needs egress of the task and ingress of the target', () => {
    const { network, addGroup } = start();
    const task = addGroup('task', []);
    const target = addGroup('target', [https(false, 'group', task, 5432)]);
    const open = addGroup('open', [https(true, 'group', target, 5432)]);
    const connect = (groupId: string, port = 5432) =>
      outcome(
        network.canConnect({ subnetId: SUBNET_A, groupIds: [groupId, task] }, { groupId: target, port }),
      );
    expect(connect(task)).toBe('egress-to-target');
    expect(connect(open)).toBe('vpc');
    expect(connect(open, 3306)).toBe('egress-to-target');
    const place = { subnetId: SUBNET_A, groupIds: [open] };
    expect(outcome(network.canConnect(place, { groupId: target, port: 5432 }))).toBe('target-ingress');
    const abroad = network.canConnect(place, { groupId: ORDINARY.natDatabaseGroup, port: 5432 });
    expect(outcome(abroad)).toBe('target-in-another-network');
  });
});
