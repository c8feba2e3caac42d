import { TAG } from '../../controller/aws/tags.ts';
import { nameFor } from '../../controller/core/key.ts';
import type { Simulator } from '../../controller/simulator/simulator.ts';

/** Everything in the simulated account that carries the installation's tag, a line each; what has only a memory left is not listed. */
export function ownedIn(simulator: Simulator, installation = 'test'): string[] {
  simulator.settle();
  const { ec2, iam, ssm, ecs, logs, scheduler } = simulator;
  const ours = (tags: ReadonlyMap<string, string> | undefined) =>
    tags?.get(TAG.installation) === installation;
  const found: string[] = [];
  for (const endpoint of ec2.state.endpoints.values()) {
    if (endpoint.state !== 'deleted' && ours(ec2.state.tags.get(endpoint.id)))
      found.push(`endpoint ${endpoint.serviceName}`);
  }
  for (const group of ec2.state.groups.values()) {
    if (ours(ec2.state.tags.get(group.id))) found.push(`group ${group.name}`);
    for (const rule of group.rules.values()) {
      if (ours(ec2.state.tags.get(rule.id))) found.push(`rule on ${group.id} port ${rule.from}`);
    }
  }
  found.push(...iam.roles.all().flatMap((role) => (ours(role.tags) ? [`role ${role.name}`] : [])));
  for (const part of ['activations', 'nodes', 'parameters'] as const) {
    for (const [id, thing] of ssm.state[part]) if (ours(thing.tags)) found.push(`${part} ${id}`);
  }
  const targets = [...ssm.state.sessions.values()].filter((session) => session.endedAt === undefined);
  found.push(...targets.map((session) => `session on ${session.target}`));
  const live = ecs.tasks().filter((task) => task.lastStatus !== 'STOPPED');
  const mine = live.filter((task) => task.startedBy?.startsWith(`bastion-operator/${installation}/`));
  found.push(...mine.map((task) => `task ${task.id}`));
  for (const status of ['ACTIVE', 'INACTIVE']) {
    const arns = texts(answer(ecs.operations, 'ListTaskDefinitions', { status }), 'taskDefinitionArns');
    found.push(...arns.filter((arn) => arn.includes(`/bastion-${installation}-`)));
  }
  const clusters = answer(ecs.operations, 'ListClusters', {});
  found.push(...texts(clusters, 'clusterArns').filter((arn) => arn.endsWith(nameFor.cluster(installation))));
  if (logs.exists(nameFor.logGroup(installation))) found.push('log group');
  for (const { name, tags } of scheduler.groups.values())
    if (ours(tags)) found.push(`schedule group ${name}`);
  for (const { name, group } of scheduler.schedules.values())
    if (ours(group.tags)) found.push(`schedule ${name}`);
  return found.sort();
}

function answer(
  operations: Simulator['ecs']['operations'],
  name: string,
  input: Record<string, unknown>,
): Record<string, unknown> {
  return { ...operations[name]?.(input) };
}

function texts(response: Record<string, unknown>, name: string): string[] {
  const list = response[name];
  return Array.isArray(list) ? list.map(String) : [];
}

/** Operations that change something, in the order in which they were asked, without a kind's repetitions in a row. */
export function mutationsOf(simulator: Simulator): string[] {
  return simulator.calls.mutations().map((call) => call.operation);
}
