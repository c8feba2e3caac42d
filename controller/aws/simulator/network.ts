/** A task's place in the network. Without `ip`, an address of the subnet stands for it. */
export interface Place {
  readonly subnetId: string;
  readonly groupIds: readonly string[];
  readonly ip?: string;
  readonly publicIp?: boolean;
}

export type NetworkService = 'ecr.api' | 'ecr.dkr' | 'logs' | 'ssm' | 'ssmmessages' | 's3' | 'internet';

export type Unreachable =
  | 'no-dns'
  | 'no-endpoint'
  | 'endpoint-not-available'
  | 'endpoint-without-private-dns'
  | 'egress-to-endpoint'
  | 'endpoint-ingress'
  | 'no-gateway-route'
  | 'egress-to-prefix-list'
  | 'no-route'
  | 'egress-to-internet'
  | 'egress-to-target'
  | 'target-ingress'
  | 'target-in-another-network';

export type Reach =
  | { readonly ok: true; readonly via: 'endpoint' | 'gateway' | 'nat' | 'internet-gateway' | 'vpc' }
  | { readonly ok: false; readonly because: Unreachable; readonly detail: string };

/** What a task needs of the network, as ECS sees it. */
export interface Network {
  /** Puts an interface into a subnet; gives its id (eni-…) and private address. @throws AwsFault */
  attachInterface(options: { subnetId: string; groupIds: readonly string[]; description: string }): {
    readonly id: string;
    readonly ip: string;
  };
  detachInterface(id: string): void;
  reach(from: Place, service: NetworkService): Reach;
  canConnect(from: Place, target: { readonly groupId: string; readonly port: number }): Reach;
}
