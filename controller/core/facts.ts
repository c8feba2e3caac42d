/** What the operator did not make and has to know: read in the same snapshot as its own resources. */
export interface Facts {
  readonly accountId: string;
  readonly region: string;
  readonly vpcs: Readonly<Record<string, VpcFact>>;
  readonly subnets: Readonly<Record<string, SubnetFact>>;
  readonly routeTables: Readonly<Record<string, RouteTableFact>>;
  /** Every security group of the region, ours too: targets' and adopted endpoints' groups are among them. */
  readonly securityGroups: Readonly<Record<string, SecurityGroupFact>>;
  /** Somebody else's endpoints only. */
  readonly foreignEndpoints: readonly EndpointFact[];
  readonly s3PrefixListId?: string;
  /** Zones that offer an endpoint service, by short service name; unset when not read. */
  readonly endpointZones: Readonly<Record<string, readonly string[]>>;
  /** Setting /ssm/managed-instance/activation-tier: `standard` or `advanced`; unset when not read. */
  readonly activationTier?: string;
  /** The databases that targets name, by `databaseKey`; those looked at longest ago come first. */
  readonly databases: Readonly<Record<string, DatabaseFact>>;
}

export interface DatabaseFact {
  /** By the last look that was answered; unset when none was. */
  readonly found?: Database | 'missing';
  /** Why the last look was not answered. */
  readonly unreadable?: string;
}

export interface Database {
  /** As AWS words it, such as `available`. */
  readonly status: string;
  readonly engine?: string;
  /** Where it is written to; unset before it has an endpoint. */
  readonly writer?: Address;
  readonly reader?: Address;
  readonly groupIds: readonly string[];
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface VpcFact {
  readonly cidrs: readonly string[];
  /** Unset: not read yet, which is not the same as off. */
  readonly dnsSupport?: boolean;
  readonly dnsHostnames?: boolean;
}

export interface SubnetFact {
  readonly vpcId: string;
  readonly zone: string;
  readonly cidr: string;
  readonly routeTableId?: string;
}

export interface RouteTableFact {
  readonly vpcId: string;
  /** Where 0.0.0.0/0 goes. `nat` stands for anything private subnets reach the internet by: NAT gateway, NAT instance, transit gateway. */
  readonly defaultRoute: 'nat' | 'internet-gateway' | 'none';
}

/** One permission of a group, one peer each. Ports are inclusive; protocol `-1` is all. */
export interface Rule {
  readonly protocol: string;
  readonly fromPort: number;
  readonly toPort: number;
  /** CIDR, `sg-…` or `pl-…`. */
  readonly peer: string;
}

export interface SecurityGroupFact {
  readonly vpcId: string;
  readonly name: string;
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

export interface EndpointFact {
  readonly id: string;
  readonly vpcId: string;
  /** Short name such as `ecr.api`. */
  readonly service: string;
  readonly type: 'Interface' | 'Gateway';
  readonly state: string;
  readonly privateDns: boolean;
  readonly groupIds: readonly string[];
  readonly subnetIds: readonly string[];
  readonly routeTableIds: readonly string[];
}

export const NO_FACTS: Facts = {
  accountId: '',
  region: '',
  vpcs: {},
  subnets: {},
  routeTables: {},
  securityGroups: {},
  foreignEndpoints: [],
  endpointZones: {},
  databases: {},
};
