import { bucketFor } from '../../controller/aws/rates.ts';
import { ORDINARY_LATENCIES as LATENCY } from '../../controller/simulator/world.ts';
import { isHybrid, type Mix } from './world.ts';

/** One of the things that must all have happened before the next stage can; milliseconds from the commit. */
export interface Stage {
  readonly name: string;
  readonly doneMs: number;
}

export interface CriticalPath {
  readonly totalMs: number;
  /** The computation, for people. */
  readonly text: string;
}

/**
 * No controller can be quicker: the last of `count` Bastions that are committed at once into a scope without anything, from
 * AWS's request rates (each bucket full at the start) and the simulated latencies. Every stage runs beside the others; the
 * tasks start when the slowest is done.
 */
export function fromNothing(mix: Mix, count: number): CriticalPath {
  const hybrids = Array.from({ length: count }, (_, index) => isHybrid(mix, index)).filter(Boolean).length;
  const interfaces = hybrids > 0 ? 5 : 4;
  const endpoints = lastCall('ec2', 'CreateVpcEndpoint', interfaces) + LATENCY.interfaceEndpointMs;
  const gateway = lastCall('ec2', 'CreateVpcEndpoint', interfaces + 1) + LATENCY.gatewayEndpointMs;
  const network = Math.max(endpoints, gateway);
  // One that is shared by all with ECS Exec; each Controller-issued activation has its own.
  const definitions = hybrids + (hybrids < count ? 1 : 0);
  return pathOf([
    { name: `${interfaces} interface endpoints and the gateway`, doneMs: network },
    { name: 'IAM propagation', doneMs: LATENCY.iamPropagationMs },
    { name: `${count + 1} security groups`, doneMs: lastCall('ec2', 'CreateSecurityGroup', count + 1) },
    {
      name: `${count + 1} ingress rules`,
      doneMs: lastCall('ec2', 'AuthorizeSecurityGroupIngress', count + 1),
    },
    {
      name: `${definitions} task definitions`,
      doneMs: lastCall('ecs', 'RegisterTaskDefinition', definitions),
    },
    { name: `${count} RunTask after the network`, doneMs: network + lastCall('ecs', 'RunTask', count) },
  ]);
}

/** One more, where all that is shared is there and every bucket is full. */
export function joining(): CriticalPath {
  return pathOf([{ name: 'its own group, rules and definition', doneMs: 0 }]);
}

/** When the last of so many calls can be made that begin at 0 on a full bucket. */
function lastCall(service: string, operation: string, calls: number): number {
  const bucket = bucketFor(service, operation);
  if (!bucket) return 0;
  return (Math.max(0, calls - bucket.burst) / bucket.perSecond) * 1000;
}

function pathOf(stages: readonly Stage[]): CriticalPath {
  const { taskProvisionMs, taskPullMs, taskActivateMs, agentConnectMs } = LATENCY;
  const ladder = [taskProvisionMs, taskPullMs, taskActivateMs, agentConnectMs];
  const totalMs = Math.max(...stages.map((stage) => stage.doneMs)) + sum(ladder);
  const shown = stages.map(({ name, doneMs }) => `${name} ${seconds(doneMs)}`).join(', ');
  return {
    totalMs,
    text: `max(${shown}) + task ${ladder.map(seconds).join(' + ')} = ${seconds(totalMs)}`,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

export function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`;
}
