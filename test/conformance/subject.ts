import { randomUUID } from 'node:crypto';
import type { sdkClients } from '../simulator/clients.ts';

/** A VPC with DNS on, with two subnets in one zone and one in another, each zone with a route table of its own. */
export interface TestNetwork {
  readonly vpcId: string;
  readonly subnetA: string;
  readonly otherSubnetA: string;
  readonly subnetC: string;
  readonly routeTableA: string;
  readonly routeTableC: string;
}

/** Something that claims to answer as AWS does. */
export interface Subject extends ReturnType<typeof sdkClients> {
  readonly network: () => Promise<TestNetwork>;
  /** Lets what is under way come to its end. */
  readonly settle: () => Promise<void>;
}

/** One thing that AWS does. Needs nothing and leaves nothing that another case could meet. */
export interface Case {
  readonly name: string;
  readonly check: (aws: Subject) => Promise<void>;
}

export function unique(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}
