import { present, takePage } from '../fields.ts';
import { scatter } from '../scatter.ts';
import type { Input, Operation } from '../world.ts';
import { describeTask } from './describe-task.ts';
import { stopTask } from './ladder.ts';
import { runTask } from './run-task.ts';
import { arnOf, type Cluster, type EcsContext, getCluster, invalid, readInput, type Task } from './state.ts';

export function taskOperations(ecs: EcsContext): Readonly<Record<string, Operation>> {
  return {
    RunTask: (input) => runTask(ecs, input),
    StopTask: (input) => {
      const fields = readInput(input);
      const cluster = getCluster(ecs, fields.optionalText('cluster'));
      const task = findTask(ecs, cluster, fields.text('task'));
      if (!task) throw invalid('The referenced task was not found.');
      stopTask(ecs, task, 'UserInitiated', fields.optionalText('reason') ?? 'Task stopped by user');
      return { task: describeTask(task, true) };
    },
    ListTasks: (input) => listTasks(ecs, input),
    DescribeTasks: (input) => describeTasks(ecs, input),
  };
}

/** By ID or ARN. */
function findTask(ecs: EcsContext, cluster: Cluster, reference: string): Task | undefined {
  const task = ecs.tasks.get(
    reference.startsWith('arn:') ? reference : arnOf(ecs.world, `task/${cluster.name}/${reference}`),
  );
  return task?.cluster.name === cluster.name ? task : undefined;
}

function listTasks(ecs: EcsContext, input: Input): object {
  const fields = readInput(input);
  const cluster = getCluster(ecs, fields.optionalText('cluster'));
  const family = fields.optionalText('family');
  const startedBy = fields.optionalText('startedBy');
  const desired = fields.oneOf('desiredStatus', ['RUNNING', 'PENDING', 'STOPPED'], 'RUNNING');
  if (startedBy !== undefined && (family !== undefined || desired !== 'RUNNING')) {
    throw invalid('When you specify startedBy as the filter, it must be the only filter that you use.');
  }
  const wanted = [...ecs.tasks.values()].filter(
    (task) =>
      !ecs.unlisted.has('tasks') &&
      task.cluster.name === cluster.name &&
      task.desiredStatus === desired &&
      (family === undefined || task.definition.family === family) &&
      (startedBy === undefined || task.startedBy === startedBy),
  );
  const size = fields.integer('maxResults', { least: 1, most: 100, fallback: 100 });
  const page = takePage(wanted, fields.optionalText('nextToken'), size, () => invalid('Invalid token.'));
  return present({ taskArns: page.items.map(({ arn }) => arn), nextToken: page.next });
}

function describeTasks(ecs: EcsContext, input: Input): object {
  const fields = readInput(input);
  const cluster = getCluster(ecs, fields.optionalText('cluster'));
  const references = fields.texts('tasks');
  if (references.length === 0) throw invalid('Tasks cannot be empty.');
  if (references.length > 100) throw invalid('Tasks cannot have more than 100 elements.');
  const withTags = fields.texts('include').includes('TAGS');
  const tasks: object[] = [];
  const failures: object[] = [];
  for (const reference of references) {
    const task = findTask(ecs, cluster, reference);
    if (task) tasks.push(describeTask(task, withTags));
    else {
      const arn = reference.startsWith('arn:')
        ? reference
        : arnOf(ecs.world, `task/${cluster.name}/${reference}`);
      failures.push({ arn, reason: 'MISSING' });
    }
  }
  return { tasks: scatter(tasks, references.join()), failures };
}
