import type { Clock } from '../machinery/clock.ts';
import { createEc2, type Ec2 } from './ec2/ec2.ts';
import type { Limits } from './ec2/state.ts';
import { createEcs, type Ecs } from './ecs/ecs.ts';
import { networkPort } from './ecs/network-port.ts';
import { createElastiCache, type ElastiCache } from './elasticache/elasticache.ts';
import { createIam, type Iam } from './iam/iam.ts';
import { createLogs, type Logs } from './logs/logs.ts';
import { createNetwork, type Network } from './network.ts';
import { createRds, type Rds } from './rds/rds.ts';
import { createScheduler, type Scheduler } from './scheduler/scheduler.ts';
import type { DataChannel } from './ssm/sessions.ts';
import { createSsm, type Ssm } from './ssm/ssm.ts';
import type { RoleSessions } from './sts/sessions.ts';
import { createSts, type Trust } from './sts/sts.ts';
import type { Call } from './wire/decode.ts';
import { AwsFault, type Latencies, type Operation, type Revision, World } from './world.ts';

export interface AccountOptions {
  readonly clock: Clock;
  readonly accountId: string;
  /** The region of requests that name none, and of the handles on `Simulator` itself. */
  readonly region: string;
  readonly latencies?: Partial<Latencies>;
  readonly limits?: Partial<Limits>;
  /** GuardDuty Runtime Monitoring is on: every task gets a container and an override that nobody asked for. */
  readonly runtimeMonitoring?: boolean | undefined;
  /** Who may assume roles; left out: everybody may assume any. */
  readonly trust?: Trust;
  readonly revision?: Revision;
  /** Fills each region when it is first used. */
  readonly seed?: (region: SimulatedRegion) => void;
}

/** One region's services and their state. IAM is the account's: the same in every region. */
export interface SimulatedRegion {
  readonly name: string;
  readonly world: World;
  readonly ec2: Ec2;
  readonly network: Network;
  readonly ecs: Ecs;
  readonly iam: Iam;
  readonly ssm: Ssm;
  readonly logs: Logs;
  readonly rds: Rds;
  readonly elasticache: ElastiCache;
  readonly scheduler: Scheduler;
}

type Services = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** A simulated account: its regions, each made when first asked for. */
export class Account {
  readonly base: SimulatedRegion;
  readonly #options: AccountOptions;
  readonly #baseWorld: World;
  readonly #iam: Iam;
  readonly #sessions: RoleSessions;
  readonly #regions = new Map<string, { readonly handles: SimulatedRegion; readonly services: Services }>();

  constructor(options: AccountOptions, sessions: RoleSessions) {
    this.#options = options;
    this.#sessions = sessions;
    this.#baseWorld = new World(options);
    this.#iam = createIam(this.#baseWorld);
    this.base = this.region(options.region);
  }

  region(name: string): SimulatedRegion {
    return this.#regionOf(name).handles;
  }

  /** Of a session in whichever region. */
  openChannel(
    who: { readonly id: string; readonly token: string },
    onEnd: () => void,
  ): DataChannel | undefined {
    for (const { handles } of this.#regions.values()) {
      const channel = handles.ssm.openChannel(who, onEnd);
      if (channel) return channel;
    }
    return undefined;
  }

  /** Makes everything that is due by the clock take effect. */
  settle(): void {
    for (const { handles } of this.#regions.values()) handles.world.settle();
  }

  /** @throws AwsFault for what the simulator does not know */
  operation(region: string, { service, operation, protocol }: Call): Operation {
    // IAM and STS sign for whichever region their endpoint is in; asking them must not make that region.
    const global = service === 'iam' || service === 'sts';
    const run = this.#regionOf(global ? this.base.name : region).services[service]?.[operation];
    if (run) return run;
    const code = protocol.endsWith('json') ? 'UnknownOperationException' : 'InvalidAction';
    throw new AwsFault(code, `The simulated AWS has no operation ${service}:${operation}.`);
  }

  #regionOf(name: string) {
    return this.#regions.get(name) ?? this.#createRegion(name);
  }

  #createRegion(name: string) {
    const isBase = name === this.#options.region;
    const world = isBase ? this.#baseWorld : new World({ ...this.#options, region: name });
    const iam = this.#iam;
    const ec2 = createEc2(world, this.#options.limits);
    const network = createNetwork(ec2.state);
    const ssm = createSsm(world, { iam });
    const logs = createLogs(world);
    const rds = createRds();
    const elasticache = createElastiCache();
    const { runtimeMonitoring } = this.#options;
    const ecs = createEcs(world, { iam, network: networkPort(network), ssm, logs }, { runtimeMonitoring });
    const scheduler = createScheduler(world, { iam, stopTask: ecs.stopTask });
    const services: Services = {
      ...{ ec2: ec2.operations, ecs: ecs.operations, ssm: ssm.operations, logs: logs.operations },
      ...{ iam: iam.operations, sts: createSts(world, this.#sessions, this.#options.trust).operations },
      ...{ rds: rds.operations, elasticache: elasticache.operations },
      scheduler: scheduler.operations,
    };
    const handles = { name, world, ec2, network, ecs, iam, ssm, logs, rds, elasticache, scheduler };
    const region = { handles, services };
    this.#regions.set(name, region);
    this.#options.seed?.(region.handles);
    return region;
  }
}
