import type { Facts } from '../core/facts.ts';
import { keyFor, nameFor, partitionOf } from '../core/key.ts';
import { digest } from '../core/name.ts';
import type { Claim, Key, Settings } from '../core/resource.ts';
import { objectName } from '../machinery/object.ts';

/** All that makes two task definitions the same or not. */
export interface TaskContent {
  readonly image: string;
  readonly architecture: 'X86_64' | 'ARM64';
  readonly cpu: number;
  readonly memory: number;
  readonly executionRole: Key;
  readonly taskRole?: Key;
  /** Of the container; unset leaves it to the image. */
  readonly user?: string;
  readonly logGroup: string;
  readonly region: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Environment variable -> ARN of the parameter that holds its value. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** The task definition that a Bastion's task runs, by content. */
export function taskDefinitionOf(
  claim: Claim,
  facts: Facts,
  settings: Settings,
): { key: Key; family: string; content: TaskContent } {
  const content = contentOf(claim, facts, settings);
  const id = digest(content, 16);
  return { key: keyFor.taskDefinition(id), family: `bastion-${settings.installation}-${id}`, content };
}

function contentOf(claim: Claim, facts: Facts, settings: Settings): TaskContent {
  const { task, access } = claim.bastion.spec;
  return {
    image: imageOf(claim, facts, settings),
    architecture: task.architecture,
    cpu: task.cpu,
    memory: task.memory,
    // The hybrid agent keeps its identity, and makes the user of a shell, as root only.
    ...(access.transport === 'HybridActivation' ? { user: '0' } : {}),
    logGroup: nameFor.logGroup(settings.installation),
    region: facts.region,
    ...identityOf(claim, facts, settings),
    environment: { BASTION_TRANSPORT: access.transport, BASTION_REGION: facts.region },
  };
}

type Identity = Pick<TaskContent, 'executionRole' | 'taskRole' | 'secrets'>;

function identityOf({ bastion }: Claim, facts: Facts, settings: Settings): Identity {
  const { transport, activation } = bastion.spec.access;
  if (transport === 'EcsExec') {
    return { executionRole: keyFor.role('execution'), taskRole: keyFor.role('task-exec'), secrets: {} };
  }
  if (activation?.issuer === 'Task') {
    return { executionRole: keyFor.role('execution'), taskRole: keyFor.role('task-activation'), secrets: {} };
  }
  const name = nameFor.parameter(settings.installation, objectName(bastion));
  const arn = `arn:${partitionOf(facts.region)}:ssm:${facts.region}:${facts.accountId}:parameter${name}`;
  return { executionRole: keyFor.role('execution-with-secret'), secrets: { BASTION_ACTIVATION: arn } };
}

/** The default is a repository `bastion` in the account's own registry, which endpoints can reach. */
export function imageOf({ bastion }: Claim, facts: Facts, settings: Settings): string {
  const image = bastion.spec.task.image ?? settings.image;
  return image.replaceAll('{account}', facts.accountId).replaceAll('{region}', facts.region);
}

/** arn:aws:ecs:R:A:task-definition/FAMILY:REVISION */
export function familyOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1).replace(/:\d+$/, '');
}
