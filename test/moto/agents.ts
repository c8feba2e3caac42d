import { DescribeTaskDefinitionCommand, type ECSClient } from '@aws-sdk/client-ecs';
import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import type { Simulator } from '../../controller/simulator/simulator.ts';
import type { Agents } from './adapt-ecs.ts';

export interface AgentOptions {
  readonly ecs: ECSClient;
  readonly ssm: SSMClient;
  readonly simulator: Simulator;
}

/** moto runs no container: this is the one thing that the bastion's image does there, to register as a managed node. */
export function hybridAgents({ ecs, ssm, simulator }: AgentOptions): Agents {
  const stopped = new Set<string>();
  return {
    async started({ arn, definition }) {
      const { taskDefinition } = await ecs.send(
        new DescribeTaskDefinitionCommand({ taskDefinition: definition }),
      );
      const secrets = taskDefinition?.containerDefinitions?.[0]?.secrets ?? [];
      const secret = secrets.find(({ name }) => name === 'BASTION_ACTIVATION');
      if (!secret) return;
      const name = secret.valueFrom?.replace(/^arn:[^/]*:parameter/, '');
      const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
      const { id, code } = JSON.parse(Parameter?.Value ?? '{}');
      simulator.ssm.register({ id, code, name: arn, ip: '10.0.0.1', connected: () => !stopped.has(arn) });
    },
    stopped: (arn) => void stopped.add(arn),
  };
}
