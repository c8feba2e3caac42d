import type { Clock } from '../../controller/machinery/clock.ts';
import type { Manifest } from '../../controller/machinery/resources.ts';
import { createSimulator, type Simulator } from '../../controller/simulator/simulator.ts';

export const REGION = 'ap-northeast-1';
export const ACCOUNT = '123456789012';

export const VPC = 'vpc-0bbb0000000000001';
const SUBNETS = ['subnet-0bbb0000000000001', 'subnet-0bbb0000000000002'];
/** AWS allows 60 rules in a group. */
const BASTIONS_PER_TARGET = 50;

/** Who asks for what: `hybrid` Bastions have a Controller-issued activation, the others ECS Exec. */
export type Mix = 'EcsExec' | 'half HybridActivation';

/** One isolated VPC with room for thousands of tasks, and enough databases for each Bastion to have a target. */
export function createWorld(clock: Clock, bastions: number): Simulator {
  const simulator = createSimulator({
    clock,
    accountId: ACCOUNT,
    region: REGION,
    seed: ({ ec2 }) => {
      ec2.addVpc({ id: VPC, cidrs: ['10.0.0.0/16'] });
      for (const [index, id] of SUBNETS.entries()) {
        const zone = `${REGION}${'ac'.charAt(index)}`;
        ec2.addSubnet({ id, vpcId: VPC, cidr: `10.0.${64 * (index + 1)}.0/18`, zone });
        ec2.addRouteTable({ id: `rtb-0bbb000000000000${index + 1}`, vpcId: VPC, subnetIds: [id] });
      }
      for (let index = 0; index <= bastions; index += BASTIONS_PER_TARGET) {
        ec2.addSecurityGroup({ id: targetGroup(index), vpcId: VPC, name: `database-${index}` });
      }
    },
  });
  simulator.ssm.operations['UpdateServiceSetting']?.({
    SettingId: '/ssm/managed-instance/activation-tier',
    SettingValue: 'advanced',
  });
  return simulator;
}

export function isHybrid(mix: Mix, index: number): boolean {
  return mix !== 'EcsExec' && index % 2 === 0;
}

export function manifestOf(mix: Mix, index: number): Manifest {
  return {
    apiVersion: 'bastion-operator.dev/v1alpha1',
    kind: 'Bastion',
    metadata: { name: `bastion-${String(index).padStart(4, '0')}`, namespace: 'default' },
    spec: {
      ttl: '24h',
      network: { vpcId: VPC, subnetIds: SUBNETS },
      access: { transport: isHybrid(mix, index) ? 'HybridActivation' : 'EcsExec' },
      targets: [{ name: 'db', host: 'db.internal', port: 5432, securityGroupId: targetGroup(index) }],
    },
  };
}

function targetGroup(index: number): string {
  return `sg-0bbb${String(Math.floor(index / BASTIONS_PER_TARGET)).padStart(13, '0')}`;
}
