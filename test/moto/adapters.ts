import type { Clock } from '../../controller/machinery/clock.ts';
import type { RequestHandler } from '../../controller/simulator/sdk-handler.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import { sdkClients } from '../simulator/clients.ts';
import { keepNamesUnique, keepUsedGroups } from './adapt-ec2.ts';
import { rememberTokens, sizeContainers, TaskLife } from './adapt-ecs.ts';
import { hybridAgents } from './agents.ts';
import { type Adapter, createRouter, type RouterOptions } from './router.ts';

export interface ConnectionOptions {
  readonly motoUrl: string;
  readonly simulator: Simulator;
  readonly clock: Clock;
  readonly onCall?: RouterOptions['onCall'];
}

/** moto with the gaps closed that the story would fall into: each adapter is named by a gap's remedy in gaps.ts. */
export function connectMoto({ motoUrl, simulator, clock, onCall }: ConnectionOptions): RequestHandler {
  const { ec2, ecs, ssm } = sdkClients({ endpoint: motoUrl });
  const tasks = new TaskLife(clock, hybridAgents({ ecs, ssm, simulator }));
  const adapters = new Map<string, readonly Adapter[]>([
    ['ec2:CreateVpcEndpoint', [rememberTokens('ClientToken'), keepNamesUnique(ec2)]],
    ['ec2:DeleteSecurityGroup', [keepUsedGroups(ec2, (groupId) => tasks.wears(groupId))]],
    ['ecs:RegisterTaskDefinition', [sizeContainers]],
    ['ecs:RunTask', [rememberTokens('clientToken'), tasks.run]],
    ['ecs:DescribeTasks', [tasks.describe]],
    ['ecs:StopTask', [tasks.stop]],
    ['ecs:DeleteCluster', [tasks.keepBusyClusters]],
  ]);
  return createRouter({ motoUrl, simulator, adapters, ...(onCall ? { onCall } : {}) });
}
