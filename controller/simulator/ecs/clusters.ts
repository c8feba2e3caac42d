import { addTags, present } from '../fields.ts';
import { scatter } from '../scatter.ts';
import { AwsFault, type Input, type Operation } from '../world.ts';
import { arnOf, type Cluster, type EcsContext, getCluster, invalid, readInput, toTagList } from './state.ts';

export function clusterOperations(ecs: EcsContext): Readonly<Record<string, Operation>> {
  return {
    CreateCluster: (input) => ({ cluster: describeCluster(ecs, createCluster(ecs, input), true) }),
    DescribeClusters: (input) => describeClusters(ecs, input),
    ListClusters: () => ({
      clusterArns: [...ecs.clusters.values()].filter((c) => c.status === 'ACTIVE').map((c) => c.arn),
    }),
    DeleteCluster: (input) => {
      const cluster = getCluster(ecs, readInput(input).text('cluster'));
      if (tasksOf(ecs, cluster).length > 0) {
        throw new AwsFault(
          'ClusterContainsTasksException',
          'The Cluster cannot be deleted while Tasks are active.',
        );
      }
      cluster.status = 'INACTIVE';
      cluster.tags.clear();
      return { cluster: describeCluster(ecs, cluster, false) };
    },
  };
}

/** Creating a cluster that exists gives the existing one, its tags unchanged. */
function createCluster(ecs: EcsContext, input: Input): Cluster {
  const fields = readInput(input);
  const name = fields.optionalText('clusterName') ?? 'default';
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(name)) throw invalid('Cluster name contains invalid characters.');
  const tags = fields.tags('tags', 'key', 'value');
  const existing = ecs.clusters.get(name);
  if (existing?.status === 'ACTIVE') return existing;
  const cluster: Cluster = { name, arn: arnOf(ecs.world, `cluster/${name}`), status: 'ACTIVE', tags };
  ecs.clusters.set(name, cluster);
  return cluster;
}

function describeClusters(ecs: EcsContext, input: Input): object {
  const fields = readInput(input);
  const references = fields.has('clusters') ? fields.texts('clusters') : ['default'];
  if (references.length > 100) throw invalid('Clusters cannot have more than 100 elements.');
  const withTags = fields.texts('include').includes('TAGS');
  const clusters: object[] = [];
  const failures: object[] = [];
  for (const reference of references) {
    const name = reference.split('/').at(-1) ?? reference;
    const cluster = ecs.clusters.get(name);
    if (cluster) clusters.push(describeCluster(ecs, cluster, withTags));
    else failures.push({ arn: arnOf(ecs.world, `cluster/${name}`), reason: 'MISSING' });
  }
  return { clusters: scatter(clusters, references.join()), failures };
}

function tasksOf(ecs: EcsContext, cluster: Cluster) {
  return [...ecs.tasks.values()].filter((task) => task.cluster === cluster && task.lastStatus !== 'STOPPED');
}

function describeCluster(ecs: EcsContext, cluster: Cluster, withTags: boolean) {
  const tasks = tasksOf(ecs, cluster);
  const running = tasks.filter((task) => task.lastStatus === 'RUNNING').length;
  return present({
    clusterArn: cluster.arn,
    clusterName: cluster.name,
    status: cluster.status,
    registeredContainerInstancesCount: 0,
    runningTasksCount: running,
    pendingTasksCount: tasks.filter(({ lastStatus }) => /^(PROV|PEND|ACTIV)/.test(lastStatus)).length,
    activeServicesCount: 0,
    statistics: [],
    settings: [{ name: 'containerInsights', value: 'disabled' }],
    capacityProviders: [],
    defaultCapacityProviderStrategy: [],
    tags: withTags ? toTagList(cluster.tags) : [],
  });
}

/** Tags of clusters, task definitions and tasks, by ARN. */
export function taggingOperations(ecs: EcsContext): Readonly<Record<string, Operation>> {
  const tagsOf = (arn: string): Map<string, string> => {
    const cluster = [...ecs.clusters.values()].find(
      (entry) => entry.arn === arn && entry.status === 'ACTIVE',
    );
    const resource = cluster ?? ecs.definitions.get(arn) ?? ecs.tasks.get(arn);
    if (!arn.startsWith('arn:aws:ecs:')) throw invalid(`Invalid identifier: ${arn}`);
    if (!resource) throw invalid('The specified resource is not found. Check the resource and try again.');
    if ('lastStatus' in resource && resource.lastStatus === 'STOPPED') {
      throw invalid('The specified task is stopped. Specify a running task and try again.');
    }
    return resource.tags;
  };
  return {
    TagResource: (input) => {
      const fields = readInput(input);
      const tags = tagsOf(fields.text('resourceArn'));
      addTags(tags, fields.tags('tags', 'key', 'value'), () =>
        invalid('A resource can have at most 50 tags.'),
      );
      return {};
    },
    UntagResource: (input) => {
      const fields = readInput(input);
      const tags = tagsOf(fields.text('resourceArn'));
      for (const key of fields.texts('tagKeys')) tags.delete(key);
      return {};
    },
    ListTagsForResource: (input) => ({ tags: toTagList(tagsOf(readInput(input).text('resourceArn'))) }),
  };
}
