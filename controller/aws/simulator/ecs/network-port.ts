/** AWS endpoints a task may need; `internet` is anything that is not an AWS service in this region. */
export type ReachableService = 'ecr.api' | 'ecr.dkr' | 'logs' | 'ssm' | 'ssmmessages' | 's3' | 'internet';

/** Whether packets get there, and if not: `because` names the kind of obstacle, `detail` explains it to a person. */
export type Reach =
  | { readonly ok: true }
  | { readonly ok: false; readonly because: string; readonly detail: string };

export interface AttachedEni {
  readonly eniId: string;
  readonly subnetId: string;
  readonly privateIp: string;
}

/** What ECS needs of the simulated VPC. */
export interface NetworkPort {
  /** Makes an ENI in one of the subnets. @throws AwsFault with the EC2 code when a subnet or group is unusable */
  attach(request: {
    readonly subnetIds: readonly string[];
    readonly groupIds: readonly string[];
    readonly description: string;
  }): AttachedEni;
  detach(eniId: string): void;
  /** Evaluated anew at each call, so that a healed path shows. */
  reach(eniId: string, service: ReachableService): Reach;
}
