import {
  CreateClusterCommand,
  DeleteClusterCommand,
  DescribeClustersCommand,
  TagResourceCommand,
} from '@aws-sdk/client-ecs';
import { unlessGone } from '../aws/errors.ts';
import { lower, missingTags, readTags, tagsFor } from '../aws/tags.ts';
import { keyFor, nameFor } from '../core/key.ts';
import { SAME, type Tags } from '../core/resource.ts';
import { defineKind } from './kind.ts';

interface Spec {
  readonly name: string;
}

interface Detail {
  readonly name: string;
  readonly tags: Tags;
}

/** One cluster for all tasks of an installation in a region. An empty Fargate cluster costs nothing. */
export const ecsCluster = defineKind<Spec, Detail>({
  name: 'ecs-cluster',
  condition: 'TaskRunning',
  inert: true,
  oneByName: true,
  desire: ({ bastion }, _facts, { installation }) => [
    {
      kind: 'ecs-cluster',
      key: keyFor.cluster(),
      spec: { name: nameFor.cluster(installation) },
      needs: [],
      tags: bastion.spec.tags,
      shared: true,
    },
  ],
  diff(desired, observed) {
    const missing = missingTags(desired.tags, observed.detail.tags);
    return Object.keys(missing).length > 0 ? { verdict: 'update', why: 'tags differ', harmless: true } : SAME;
  },
  async list(aws) {
    const name = nameFor.cluster(aws.scope.installation);
    const { clusters = [] } = await aws.ecs.send(
      new DescribeClustersCommand({ clusters: [name], include: ['TAGS'] }),
    );
    // A deleted cluster stays visible as INACTIVE, and can be created again by the same name.
    const cluster = clusters.find(
      (candidate) => candidate.clusterName === name && candidate.status !== 'INACTIVE',
    );
    if (!cluster?.clusterArn) return [];
    const tagged = readTags(aws.scope.installation, cluster.tags);
    return [
      {
        kind: 'ecs-cluster',
        key: keyFor.cluster(),
        id: cluster.clusterArn,
        owned: tagged.owned,
        state:
          cluster.status === 'ACTIVE' ? 'ready' : cluster.status === 'PROVISIONING' ? 'pending' : 'deleting',
        uses: [],
        detail: { name, tags: tagged.tags },
      },
    ];
  },
  async create(aws, desired) {
    const { name } = desired.spec;
    const tags = tagsFor(aws.scope.installation, desired, name);
    const { cluster } = await aws.ecs.send(
      new CreateClusterCommand({ clusterName: name, tags: lower(tags) }),
    );
    if (!cluster?.clusterArn) return undefined;
    const state = cluster.status === 'ACTIVE' ? 'ready' : 'pending';
    return {
      kind: 'ecs-cluster',
      key: desired.key,
      id: cluster.clusterArn,
      owned: true,
      state,
      uses: [],
      detail: { name, tags },
    };
  },
  async update(aws, desired, observed) {
    const tags = missingTags(desired.tags, observed.detail.tags);
    await aws.ecs.send(new TagResourceCommand({ resourceArn: observed.id, tags: lower(tags) }));
    return { ...observed, detail: { ...observed.detail, tags: { ...observed.detail.tags, ...tags } } };
  },
  async remove(aws, observed) {
    await unlessGone(() => aws.ecs.send(new DeleteClusterCommand({ cluster: observed.id })));
    return 'gone';
  },
});
