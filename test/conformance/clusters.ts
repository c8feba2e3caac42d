import {
  DeleteClusterCommand,
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  DescribeClustersCommand,
  DescribeTaskDefinitionCommand,
  ListTaskDefinitionFamiliesCommand,
  ListTaskDefinitionsCommand,
  ListTasksCommand,
} from '@aws-sdk/client-ecs';
import { expect } from 'vitest';
import { errorName } from '../simulator/clients.ts';
import { addCluster, addDefinition, ready, runTask, TAG } from './containers.ts';
import { type Case, unique } from './subject.ts';

export const CLUSTER_CASES: readonly Case[] = [
  {
    name: 'gives the cluster that exists when one of its name is made again',
    async check(aws) {
      const name = await addCluster(aws);
      await addCluster(aws, name);
      const input = { clusters: [name], include: ['TAGS' as const] };
      const { clusters } = await aws.ecs.send(new DescribeClustersCommand(input));
      expect(clusters).toMatchObject([{ clusterName: name, status: 'ACTIVE', tags: [TAG] }]);
    },
  },
  {
    name: 'says of a cluster that is not there that it is missing',
    async check(aws) {
      const input = { clusters: [unique('absent')] };
      const { failures } = await aws.ecs.send(new DescribeClustersCommand(input));
      expect(failures).toMatchObject([{ reason: 'MISSING' }]);
    },
  },
  {
    name: 'does not list the tasks of a cluster that is not there',
    async check(aws) {
      const tasks = aws.ecs.send(new ListTasksCommand({ cluster: unique('absent') }));
      expect(await errorName(tasks)).toBe('ClusterNotFoundException');
    },
  },
  {
    name: 'shows a deleted cluster as inactive, and makes it anew',
    async check(aws) {
      const name = await addCluster(aws);
      await aws.ecs.send(new DeleteClusterCommand({ cluster: name }));
      const gone = await aws.ecs.send(new DescribeClustersCommand({ clusters: [name] }));
      expect(gone.clusters).toMatchObject([{ status: 'INACTIVE' }]);
      await addCluster(aws, name);
      const back = await aws.ecs.send(new DescribeClustersCommand({ clusters: [name] }));
      expect(back.clusters).toMatchObject([{ status: 'ACTIVE' }]);
    },
  },
  {
    name: 'keeps a cluster that has tasks',
    async check(aws) {
      const place = await ready(aws);
      await runTask(aws, place);
      const removal = aws.ecs.send(new DeleteClusterCommand({ cluster: place.cluster }));
      expect(await errorName(removal)).toBe('ClusterContainsTasksException');
    },
  },
];

export const DEFINITION_CASES: readonly Case[] = [
  {
    name: 'numbers the revisions of a task definition',
    async check(aws) {
      const family = unique('family');
      expect(await addDefinition(aws, family)).toMatch(/:1$/);
      expect(await addDefinition(aws, family)).toMatch(/:2$/);
    },
  },
  {
    name: 'describes a task definition with its tags',
    async check(aws) {
      const taskDefinition = await addDefinition(aws);
      const input = { taskDefinition, include: ['TAGS' as const] };
      const described = await aws.ecs.send(new DescribeTaskDefinitionCommand(input));
      expect(described.tags).toEqual([TAG]);
      expect(described.taskDefinition).toMatchObject({ status: 'ACTIVE', cpu: '256', memory: '512' });
    },
  },
  {
    name: 'lists no task definition that was deregistered as active',
    async check(aws) {
      const familyPrefix = unique('family');
      const taskDefinition = await addDefinition(aws, familyPrefix);
      await aws.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
      const input = { familyPrefix, status: 'ACTIVE' as const };
      expect((await aws.ecs.send(new ListTaskDefinitionsCommand(input))).taskDefinitionArns).toEqual([]);
    },
  },
  {
    name: 'deletes a task definition only after it was deregistered',
    async check(aws) {
      const taskDefinition = await addDefinition(aws);
      const deletion = () =>
        aws.ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions: [taskDefinition] }));
      expect((await deletion()).failures).toHaveLength(1);
      await aws.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
      expect((await deletion()).failures ?? []).toEqual([]);
    },
  },
  {
    name: 'lists the families that begin with a prefix',
    async check(aws) {
      const familyPrefix = unique('family');
      await addDefinition(aws, `${familyPrefix}-b`);
      await addDefinition(aws, `${familyPrefix}-a`);
      await addDefinition(aws, unique('other'));
      const input = { familyPrefix, status: 'ACTIVE' as const };
      const { families = [] } = await aws.ecs.send(new ListTaskDefinitionFamiliesCommand(input));
      expect([...families].sort()).toEqual([`${familyPrefix}-a`, `${familyPrefix}-b`]);
    },
  },
  {
    name: 'gives task definitions in pages',
    async check(aws) {
      const familyPrefix = unique('family');
      for (let count = 0; count < 3; count++) await addDefinition(aws, familyPrefix);
      const first = await aws.ecs.send(new ListTaskDefinitionsCommand({ familyPrefix, maxResults: 2 }));
      expect(first.taskDefinitionArns).toHaveLength(2);
      const next = { familyPrefix, maxResults: 2, nextToken: first.nextToken };
      const second = await aws.ecs.send(new ListTaskDefinitionsCommand(next));
      expect(second.taskDefinitionArns).toHaveLength(1);
    },
  },
];
