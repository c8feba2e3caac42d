import type { NetworkService } from '../network.ts';
import { parameterArn } from '../ssm/parameters.ts';
import type { ContainerDefinition, EcsContext, Task } from './state.ts';

const ADDRESS = '10.0.0.1:443';
const AUTH = 'ResourceInitializationError: unable to pull secrets or registry auth';

/** The stop reason when the task cannot get its secrets, images or log stream; undefined when it starts. */
export function findStartFailure(ecs: EcsContext, task: Task): string | undefined {
  const definitions = task.containers.map(({ definition }) => definition);
  return (
    first(definitions, (container) => findSecretFailure(ecs, task, container)) ??
    first(definitions, (container) => findPullFailure(ecs, task, container)) ??
    first(definitions, (container) => findLogFailure(ecs, task, container))
  );
}

function first<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const failure = check(item);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

const reaches = (ecs: EcsContext, task: Task, service: NetworkService) =>
  ecs.network.reach(task.eni.eniId, service).ok;

const mayDo = (ecs: EcsContext, task: Task, action: string, resource: string) =>
  task.executionRole !== undefined && ecs.iam.allows(task.executionRole, action, resource);

function denied(ecs: EcsContext, task: Task, action: string, resource: string): string {
  const role = task.executionRole?.split('/').at(-1);
  return `AccessDeniedException: User: arn:aws:sts::${ecs.world.accountId}:assumed-role/${role}/${task.id} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
}

function findSecretFailure(ecs: EcsContext, task: Task, container: ContainerDefinition): string | undefined {
  if (container.secrets.length === 0) return undefined;
  const prefix = `${AUTH}: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried`;
  if (!reaches(ecs, task, 'ssm')) {
    return `${prefix} 5 time(s): RequestCanceled: request context canceled caused by: context deadline exceeded. Please check your task network configuration.`;
  }
  return first(container.secrets, ({ valueFrom }) => {
    const arn = valueFrom.startsWith('arn:') ? valueFrom : parameterArn(ecs.world, valueFrom);
    if (!mayDo(ecs, task, 'ssm:GetParameters', arn)) {
      return `${prefix} 1 time(s): ${denied(ecs, task, 'ssm:GetParameters', arn)}`;
    }
    if (ecs.ssm.parameterValue(valueFrom) !== undefined) return undefined;
    return `${prefix} 1 time(s): invalid parameters: ${valueFrom}`;
  });
}

/** Only ECR of the same region is reached over its endpoints; every other registry is the internet. */
function parseEcrImage(image: string, region: string) {
  const match = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([^:@]+)/.exec(image);
  return match && match[2] === region ? { account: match[1], repository: match[3] } : undefined;
}

function findPullFailure(ecs: EcsContext, task: Task, container: ContainerDefinition): string | undefined {
  const { image } = container;
  const ecr = parseEcrImage(image, ecs.world.region);
  const unreachable = ecr ? findEcrFailure(ecs, task, image, ecr) : findInternetFailure(ecs, task, image);
  if (unreachable !== undefined) return unreachable;
  if (ecs.missingImages.has(image)) return `${unresolved(image, 1)}: ${image}: not found`;
  if (ecr && !reaches(ecs, task, 's3')) {
    return 'CannotPullContainerError: pull command failed: panic: runtime error: invalid memory address or nil pointer dereference';
  }
  return undefined;
}

const unresolved = (image: string, tries: number) =>
  `CannotPullContainerError: pull image manifest has been retried ${tries} time(s): failed to resolve ref ${image}`;

function manifestUrl(image: string): string {
  const path = /^[^/]*[.:][^/]*\//.test(image) ? image : `registry-1.docker.io/${image}`;
  const [host = path, ...rest] = path.split('/');
  const [repository = '', tag = 'latest'] = rest.join('/').split(':');
  return `https://${host}/v2/${repository}/manifests/${tag}`;
}

function findInternetFailure(ecs: EcsContext, task: Task, image: string): string | undefined {
  if (reaches(ecs, task, 'internet')) return undefined;
  return `${unresolved(image, 5)}: failed to do request: Head "${manifestUrl(image)}": dial tcp ${ADDRESS}: i/o timeout`;
}

function findEcrFailure(
  ecs: EcsContext,
  task: Task,
  image: string,
  ecr: { account: string | undefined; repository: string | undefined },
): string | undefined {
  if (!reaches(ecs, task, 'ecr.api')) {
    return `${AUTH}: The task cannot pull registry authentication from Amazon ECR. There is a connection issue between the task and Amazon ECR. Check your task network configuration. RequestError: send request failed caused by: Post "https://api.ecr.${ecs.world.region}.amazonaws.com/": dial tcp ${ADDRESS}: i/o timeout`;
  }
  if (!mayDo(ecs, task, 'ecr:GetAuthorizationToken', '*')) {
    return `${AUTH}: execution resource retrieval failed: unable to retrieve ecr registry auth: service call has been retried 1 time(s): ${denied(ecs, task, 'ecr:GetAuthorizationToken', '*')}`;
  }
  if (!reaches(ecs, task, 'ecr.dkr')) {
    return `${unresolved(image, 5)}: failed to do request: Head "${manifestUrl(image)}": dial tcp ${ADDRESS}: i/o timeout`;
  }
  const repository = `arn:aws:ecr:${ecs.world.region}:${ecr.account}:repository/${ecr.repository}`;
  const missing = ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'].some(
    (action) => !mayDo(ecs, task, action, repository),
  );
  if (!missing) return undefined;
  return `${unresolved(image, 1)}: pulling from host ${image.split('/')[0]} failed with status code [manifests]: 403 Forbidden`;
}

function findLogFailure(ecs: EcsContext, task: Task, container: ContainerDefinition): string | undefined {
  if (!container.awslogs) return undefined;
  const prefix =
    'ResourceInitializationError: failed to initialize logging driver: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream';
  const { region, accountId } = ecs.world;
  const group = String(container.awslogs['awslogs-group']);
  const arn = `arn:aws:logs:${region}:${accountId}:log-group:${group}:log-stream:${logStream(task, container)}`;
  if (!reaches(ecs, task, 'logs')) {
    return `${prefix}: RequestError: send request failed caused by: Post "https://logs.${region}.amazonaws.com/": dial tcp ${ADDRESS}: i/o timeout : exit status 1`;
  }
  const missing = ['logs:CreateLogStream', 'logs:PutLogEvents'].find(
    (action) => !mayDo(ecs, task, action, arn),
  );
  if (missing) return `${prefix}: ${denied(ecs, task, missing, arn)} : exit status 1`;
  if (ecs.logs.exists(group)) return undefined;
  return `${prefix}: ResourceNotFoundException: The specified log group does not exist. : exit status 1`;
}

export function logStream(task: Task, container: ContainerDefinition): string {
  return `${container.awslogs?.['awslogs-stream-prefix'] ?? 'ecs'}/${container.name}/${task.id}`;
}
