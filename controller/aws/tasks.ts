import { DescribeTasksCommand, type ECSClient, type Task } from '@aws-sdk/client-ecs';

/** AWS's limit for one call (aws-facts 4). */
const DESCRIBE_LIMIT = 100;

/** Tasks by id or ARN, with their tags. Those that are gone are left out. @throws when AWS fails to describe one for another reason */
export async function describeTasks(
  ecs: ECSClient,
  cluster: string,
  ids: readonly string[],
): Promise<Task[]> {
  const tasks: Task[] = [];
  for (let start = 0; start < ids.length; start += DESCRIBE_LIMIT) {
    const page = ids.slice(start, start + DESCRIBE_LIMIT);
    const answer = await ecs.send(new DescribeTasksCommand({ cluster, tasks: page, include: ['TAGS'] }));
    const other = answer.failures?.find((failure) => failure.reason !== 'MISSING');
    if (other) throw new Error(`ecs:DescribeTasks could not describe ${other.arn}: ${other.reason}`);
    tasks.push(...(answer.tasks ?? []));
  }
  return tasks;
}
