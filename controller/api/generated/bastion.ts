// Generated from crds/bastions.yaml by `npm run generate`. Do not edit.

/**
 * The BastionSpec: what should be open, for whom and for how long.
 */
export interface BastionSpec {
  /**
   * How long one activation lives, such as 90m or 4h; from 5m to 168h. Days are written in hours.
   */
  ttl: string;
  /**
   * Ends an activation early when no Session Manager session has been open for so long, such as 30m; from 5m to 168h. Counts from when it became Ready, and anew from the end of each session and each renewal.
   */
  idleTimeout?: string;
  /**
   * Why it is open, kept for the audit trail.
   */
  reason?: string;
  /**
   * true tears everything down and keeps the record; back to false starts a new activation.
   */
  suspend: boolean;
  /**
   * Opens the Bastion at each firing, for ttl.
   */
  schedule?: {
    /**
     * Five fields, minute hour day-of-month month day-of-week.
     */
    cron: string;
    /**
     * IANA name such as Asia/Tokyo.
     */
    timeZone: string;
  };
  /**
   * Name of an AWS account in the configuration of the controller; default is the controller's own account.
   */
  account?: string;
  /**
   * AWS region; default is the controller's.
   */
  region?: string;
  /**
   * Private subnets and their VPC. May be left out where the controller is configured with a network for the account and region.
   */
  network: {
    vpcId: string;
    /**
     * Private subnets of the VPC, at most one per availability zone.
     */
    subnetIds: string[];
    /**
     * How the task reaches AWS. Auto uses a NAT route or endpoints that exist before it creates any.
     */
    path: 'Auto' | 'Endpoints' | 'Nat';
  };
  task: {
    /**
     * Container image; default is the controller's --image.
     */
    image?: string;
    architecture: 'X86_64' | 'ARM64';
    /**
     * CPU units, 1024 to the vCPU.
     */
    cpu: 256 | 512 | 1024 | 2048 | 4096;
    /**
     * MiB; Fargate allows certain values for each cpu.
     */
    memory: number;
  };
  access: {
    /**
     * EcsExec targets the container itself; HybridActivation registers it as a managed node (the article's way).
     */
    transport: 'EcsExec' | 'HybridActivation';
    /**
     * HybridActivation only.
     */
    activation?: {
      /**
       * Who makes the activation, the Controller or the Task itself (the article's way).
       */
      issuer: 'Controller' | 'Task';
    };
  };
  /**
   * What people reach through the Bastion.
   */
  targets: {
    name: string;
    /**
     * DNS name or IPv4 address, as seen from the VPC; with port. Or name the database by rds or elasticache.
     */
    host?: string;
    /**
     * With host only.
     */
    port?: number;
    /**
     * A database of RDS, Aurora, DocumentDB or Neptune in the Bastion's account and region; its address is looked up, and followed when it changes.
     */
    rds?: {
      dbInstanceIdentifier?: string;
      dbClusterIdentifier?: string;
      /**
       * Which endpoint of a cluster people reach; the Writer when left out.
       */
      endpoint?: 'Writer' | 'Reader';
    };
    /**
     * A cache of ElastiCache in the Bastion's account and region; its address is looked up, and followed when it changes.
     */
    elasticache?: {
      replicationGroupId?: string;
      cacheClusterId?: string;
      serverlessCacheName?: string;
    };
    /**
     * The target's group; ingress from the Bastion is opened on it for the Bastion's life. With rds or elasticache: which of the database's groups, instead of the one the controller picks.
     */
    securityGroupId?: string;
  }[];
  /**
   * Added to every resource.
   */
  tags: {
    [k: string]: string;
  };
}

export interface BastionStatus {
  observedGeneration?: number;
  phase?:
    | 'Pending'
    | 'Scheduled'
    | 'Provisioning'
    | 'Ready'
    | 'Degraded'
    | 'Terminating'
    | 'Suspended'
    | 'Expired'
    | 'Failed';
  /**
   * The moment the controller accepted this activation; the TTL counts from it.
   */
  activatedAt?: string;
  expiresAt?: string;
  /**
   * When this activation ended. It stays ended: only a renewal, a resume or a later firing of the schedule opens the Bastion anew.
   */
  endedAt?: string;
  /**
   * The newest annotation bastion-operator.dev/renewed-at that was seen; one that is seen first after the end opens the Bastion anew.
   */
  renewedAt?: string;
  /**
   * The latest end of this activation, after the controller's clock was set back while it was open. A renewal lifts it.
   */
  endsBy?: string;
  nextActivationAt?: string;
  /**
   * With idleTimeout, while nobody has a session open; gone as soon as somebody has.
   */
  idle?: {
    /**
     * Since when nobody has had one.
     */
    since: string;
    /**
     * A look found it idle for as long as idleTimeout; the next one that does so ends it.
     */
    seenAt?: string;
    /**
     * When that ended the activation; holds until it is renewed, resumed or opened by its schedule.
     */
    endedAt?: string;
  };
  /**
   * What Session Manager connects to, ecs:<cluster>_<task>_<runtime> or mi-….
   */
  sessionTarget?: string;
  /**
   * Where the targets are, as far as that is known, for the life of this activation.
   */
  targets?: {
    name: string;
    host: string;
    port: number;
    /**
     * The group that the Bastion is let in by.
     */
    securityGroupId?: string;
    /**
     * As AWS names it, such as aurora-postgresql.
     */
    engine?: string;
    /**
     * Which one it was looked up for, such as rds-instance/orders.
     */
    database?: string;
    /**
     * Why this is only what was known last.
     */
    message?: string;
  }[];
  /**
   * What path Auto was resolved to, for the life of this activation.
   */
  networkPath?: 'Endpoints' | 'Nat';
  /**
   * Starts of the task within this activation, so that a retry is never a duplicate.
   */
  task?: {
    /**
     * How many tasks of this activation have ended.
     */
    attempt: number;
    /**
     * How many of them in a row ended soon after their start.
     */
    failures?: number;
    lastStoppedArn?: string;
    lastStoppedAt?: string;
    lastStoppedReason?: string;
  };
  conditions?: {
    type:
      | 'Accepted'
      | 'NetworkReady'
      | 'IdentityReady'
      | 'TaskRunning'
      | 'Ready'
      | 'EndScheduled'
      | 'InUse'
      | 'TornDown'
      | 'SourceSynced'
      | 'Withheld';
    status: 'True' | 'False' | 'Unknown';
    reason: string;
    message: string;
    observedGeneration?: number;
    lastTransitionTime: string;
  }[];
  resources?: {
    kind: string;
    key: string;
    id?: string;
    state: string;
    shared?: boolean;
    adopted?: boolean;
    message?: string;
  }[];
}
