import { describe, it } from 'vitest';
import { REGION, startSimulator } from '../simulator/clients.ts';
import { CASES } from './cases.ts';
import type { Subject } from './subject.ts';

/** Longer than anything takes in the simulated AWS. */
const SETTLED_MS = 600_000;

let networks = 0;

function createSubject(): Subject {
  const { clock, simulator, ...clients } = startSimulator();
  simulator.throttling = false;
  return {
    ...clients,
    settle: () => clock.advance(SETTLED_MS),
    async network() {
      const net = `10.${50 + (networks++ % 200)}`;
      const { ec2 } = simulator;
      const vpcId = ec2.addVpc({ cidrs: [`${net}.0.0/16`] }).id;
      const [subnetA, otherSubnetA, subnetC] = ['a', 'a', 'c'].map(
        (zone, index) => ec2.addSubnet({ vpcId, cidr: `${net}.${index}.0/24`, zone: `${REGION}${zone}` }).id,
      ) as [string, string, string];
      const routeTableA = ec2.addRouteTable({ vpcId, subnetIds: [subnetA, otherSubnetA] }).id;
      const routeTableC = ec2.addRouteTable({ vpcId, subnetIds: [subnetC] }).id;
      return { vpcId, subnetA, otherSubnetA, subnetC, routeTableA, routeTableC };
    },
  };
}

describe('the simulated AWS, as AWS', () => {
  for (const { name, check } of CASES) it(name, () => check(createSubject()));
});
