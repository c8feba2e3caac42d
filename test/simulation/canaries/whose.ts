import type { Canary } from './canary.ts';

/** Bugs in telling what is ours, and what is there at all. */
export const WHOSE: readonly Canary[] = [
  {
    name: 'installation-ignored',
    like: 'a controller that takes every resource with its kind of tag for its own, whichever installation made it',
    file: 'aws/tags.ts',
    find: 'tags[TAG.installation] === installation && key !== undefined',
    replace: 'key !== undefined',
    scenarios: ['create-exec-nat'],
  },
  {
    name: 'groups-by-name',
    like: 'a load balancer controller that finds its security groups by the prefix of their names',
    file: 'kinds/security-group.ts',
    find: 'const marks = marksOfGroup(installation, group);',
    replace: `const named = group.GroupName?.startsWith('bastion-test-');
      const marks = named
        ? { key: 'security-group/' + group.GroupName, lost: {} }
        : marksOfGroup(installation, group);`,
    scenarios: ['create-exec-nat'],
  },
  {
    name: 'roles-without-path',
    like: 'an IAM controller that trusts tags which anybody can copy, and not its path',
    file: 'kinds/iam-role.ts',
    find: '.filter((role) => mine.has(',
    replace: '.filter((role) => mine.size || mine.has(',
    scenarios: ['create-exec-nat'],
  },
  {
    name: 'endpoints-of-everybody',
    like: 'a network controller that adopts what does the job already, and deletes it when it is not needed any more',
    file: 'kinds/vpc-endpoint.ts',
    find: 'owned: tagged.owned,',
    replace: 'owned: true,',
    scenarios: ['adopt-an-endpoint'],
  },
  {
    name: 'cluster-by-name',
    like: 'a controller that takes a cluster of its name for its own without looking at the tags',
    file: 'kinds/ecs-cluster.ts',
    find: 'owned: tagged.owned,',
    replace: 'owned: true,',
    scenarios: ['name-is-taken'],
  },
  {
    name: 'nodes-by-filter',
    like: 'a node controller that deregisters whatever the server-side filter of its list lets through',
    file: 'kinds/node-marks.ts',
    find: 'if (!isOurs) return { isOurs };',
    replace: `if (!isOurs) return { isOurs: true, owner: tagged.tags['bastion-operator.dev/bastion'] as never };`,
    scenarios: ['create-hybrid-nat', 'delete-while-provisioning'],
  },
  {
    name: 'sessions-of-everybody',
    like: 'an access broker that ends every open session when a grant ends',
    file: 'kinds/session.ts',
    find: "sessions.filter(({ Target = '' }) => ours.has(Target))",
    replace: 'sessions.filter(({ Target }) => Target || ours.size)',
    scenarios: ['create-exec-nat'],
  },
  {
    name: 'parameters-by-path',
    like: 'a secrets controller that deletes by name whatever stands under its path',
    file: 'kinds/activation.ts',
    find: 'if (!readTags(aws.scope.installation, TagList).owned)',
    replace: 'if (!TagList && !readTags(aws.scope.installation, TagList).owned)',
    scenarios: ['beside-a-copied-parameter'],
  },
  {
    name: 'tagged-later',
    like: 'a controller that creates first and tags in a second call',
    file: 'kinds/vpc-endpoint.ts',
    find: "TagSpecifications: [{ ResourceType: 'vpc-endpoint', Tags: upper(tags) }],",
    replace: '',
    scenarios: ['create-exec-endpoints'],
  },
  {
    name: 'first-page-only',
    like: 'external-dns and many others once: a list that is not followed past its first page',
    file: 'aws/reads.ts',
    find: 'for await (const page of pages) items.push(...(itemsOf(page) ?? []));',
    replace: 'for await (const page of pages) return [...(itemsOf(page) ?? [])];',
    scenarios: ['create-exec-endpoints', 'several-at-once'],
  },
  {
    name: 'unreadable-database-is-missing',
    like: 'a DNS controller that withdraws the record of a target whose lookup fails',
    file: 'aws/databases.ts',
    find: 'if (error instanceof Error && MISSING[sort].test(error.name))',
    replace: 'if (error instanceof Error && MISSING[sort])',
    scenarios: ['database-unreadable'],
  },
  {
    name: 'failed-list-is-empty',
    like: 'a garbage collector whose list helper returns nothing when the call fails',
    file: 'aws/reads.ts',
    find: 'for await (const page of pages) items.push(...(itemsOf(page) ?? []));',
    replace: `try {
      for await (const page of pages) items.push(...(itemsOf(page) ?? []));
    } catch {
      return items;
    }`,
    scenarios: ['delete-while-provisioning', 'share-endpoints'],
    faults: ['denied'],
    calls: ['ssm:DescribeActivations', 'ssm:DescribeParameters'],
  },
  {
    name: 'unknown-is-absent',
    like: 'a controller that goes on with what it could read, as if the rest were not there',
    file: 'reconcile/observe.ts',
    find: 'failures.set(kind.name,',
    replace: `parts.set(kind.name, { resources: [], observedAt: now, sequence: (part?.sequence ?? 0) + 1 });
    new Map().set(kind.name,`,
    scenarios: ['delete-exec-nat', 'expire-exec-nat'],
    faults: ['server-error', 'denied', 'throttled'],
  },
  {
    name: 'failed-task-list-is-empty',
    like: 'an ECS autoscaler that takes any error of ListTasks for a cluster without tasks',
    file: 'kinds/task.ts',
    find: "if (classify(error) === 'gone') return [];",
    replace: 'if (classify(error)) return [];',
    scenarios: ['change-every-field'],
    faults: ['denied'],
    calls: ['ecs:ListTasks'],
  },
  {
    name: 'gone-is-a-failure',
    like: 'a provider that fails for ever on a resource which is not there any more',
    file: 'kinds/task.ts',
    find: "if (classify(error) === 'gone') return [];",
    replace: '',
    scenarios: ['delete-exec-nat'],
  },
];
