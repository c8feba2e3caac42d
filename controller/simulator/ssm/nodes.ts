import { type Fields, present } from '../fields.ts';
import { AwsFault, type Input, type Operation, type World } from '../world.ts';
import { invalid, type ManagedNode, readInput, type SsmState, takeSsmPage, toTagList } from './state.ts';

/** The quota of hybrid nodes in the standard tier. */
const MAX_STANDARD_NODES = 1000;

export interface Registration {
  readonly id: string;
  readonly code: string;
  /** The computer's name. */
  readonly name: string;
  readonly ip: string;
  /** Whether the agent is connected now; default: always. */
  readonly connected?: () => boolean;
}

/** What the agent does with `-register`: gives the new node's id (mi-…). @throws AwsFault */
export function registerNode(world: World, state: SsmState, registration: Registration): string {
  const activation = state.activations.get(registration.id);
  if (!activation || activation.code !== registration.code) {
    throw new AwsFault('InvalidActivation', 'The activation ID or code is not valid.');
  }
  if (world.now() >= activation.expiresAt) {
    throw new AwsFault('ActivationExpired', `The activation ${activation.id} has expired.`);
  }
  if (activation.registrations >= activation.limit) {
    throw new AwsFault('RegistrationLimitExceeded', `Registration limit of ${activation.limit} is reached.`);
  }
  if (state.tier.value === 'standard' && state.nodes.size >= MAX_STANDARD_NODES) {
    throw new AwsFault('RegistrationLimitExceeded', `At most ${MAX_STANDARD_NODES} standard hybrid nodes.`);
  }
  activation.registrations += 1;
  const id = `mi-${world.hex(17)}`;
  state.nodes.set(id, {
    id,
    activationId: activation.id,
    role: activation.role,
    name: activation.nodeName,
    computerName: registration.name,
    ip: registration.ip,
    registeredAt: world.now(),
    tags: new Map(activation.tags),
    connected: registration.connected ?? (() => true),
    lastPingAt: undefined,
  });
  return id;
}

/** Managed nodes. `endSessions` ends those of a target that is gone. */
export function nodeOperations(
  world: World,
  state: SsmState,
  endSessions: (target: string) => void,
): Readonly<Record<string, Operation>> {
  return {
    DescribeInstanceInformation: (input) => describeNodes(world, state, input),
    DeregisterManagedInstance: (input) => {
      const id = readInput(input).text('InstanceId');
      if (!/^mi-[0-9a-f]{17}$/.test(id) || !state.nodes.delete(id)) {
        throw new AwsFault('InvalidInstanceId', `Instance ${id} is not a registered managed instance.`);
      }
      endSessions(id);
      return {};
    },
  };
}

/** `Online`, or `ConnectionLost`, also for an agent that registered and never connected. */
export function pingStatus(world: World, node: ManagedNode): 'Online' | 'ConnectionLost' {
  if (!node.connected()) return 'ConnectionLost';
  node.lastPingAt = world.now();
  return 'Online';
}

type Match = (node: ManagedNode) => boolean;

function describeNodes(world: World, state: SsmState, input: Input): object {
  const fields = readInput(input);
  const filters = [
    ...fields.structs('Filters').map((filter) => ({
      key: filter.text('Key'),
      values: filter.texts('Values'),
    })),
    ...fields.structs('InstanceInformationFilterList').map((filter) => ({
      key: filter.text('key'),
      values: filter.texts('valueSet'),
    })),
  ];
  if (filters.length > 1 && filters.some(({ key }) => key.startsWith('tag'))) {
    throw new AwsFault('InvalidFilterKey', 'A tag filter cannot be combined with other filters.');
  }
  const matches = filters.map(({ key, values }) => matchNode(world, key, values));
  const wanted = [...state.nodes.values()].filter((node) => matches.every((match) => match(node)));
  return pageOfNodes(world, fields, wanted);
}

function matchNode(world: World, key: string, values: readonly string[]): Match {
  if (values.length === 0) {
    throw new AwsFault('InvalidInstanceInformationFilterValue', `The filter ${key} has no values.`);
  }
  if (key.startsWith('tag:')) return (node) => values.includes(node.tags.get(key.slice(4)) ?? '\0');
  switch (key) {
    case 'tag-key':
      return (node) => values.some((tag) => node.tags.has(tag));
    case 'InstanceIds':
      return (node) => values.includes(node.id);
    case 'ActivationIds':
      return (node) => values.includes(node.activationId);
    case 'IamRole':
      return (node) => values.includes(node.role);
    case 'PingStatus':
      return (node) => values.includes(pingStatus(world, node));
    case 'ResourceType':
      return () => values.includes('ManagedInstance');
    case 'PlatformTypes':
      return () => values.includes('Linux');
    default:
      throw new AwsFault('InvalidFilterKey', `The specified filter key is not valid: ${key}`);
  }
}

function pageOfNodes(world: World, fields: Fields, wanted: readonly ManagedNode[]): object {
  const page = takeSsmPage(fields, wanted, { least: 5, most: 50, fallback: 10 });
  return present({
    InstanceInformationList: page.items.map((node) => describeNode(world, node)),
    NextToken: page.next,
  });
}

function describeNode(world: World, node: ManagedNode) {
  const ping = pingStatus(world, node);
  return present({
    InstanceId: node.id,
    PingStatus: ping,
    LastPingDateTime: node.lastPingAt === undefined ? undefined : new Date(node.lastPingAt),
    AgentVersion: '3.3.3050.0',
    IsLatestVersion: true,
    PlatformType: 'Linux',
    PlatformName: 'Amazon Linux',
    ActivationId: node.activationId,
    IamRole: node.role,
    RegistrationDate: new Date(node.registeredAt),
    ResourceType: 'ManagedInstance',
    Name: node.name,
    IPAddress: node.ip,
    ComputerName: node.computerName,
  });
}

/** Tags of managed nodes and parameters; activations cannot be tagged after they are made. */
export function taggingOperations(state: SsmState): Readonly<Record<string, Operation>> {
  const tagsOf = (fields: Fields): Map<string, string> => {
    const type = fields.text('ResourceType');
    const id = fields.text('ResourceId');
    if (type !== 'ManagedInstance' && type !== 'Parameter') {
      throw new AwsFault('InvalidResourceType', `The resource type is not valid: ${type}`);
    }
    const resource = type === 'Parameter' ? state.parameters.get(id) : state.nodes.get(id);
    if (resource) return resource.tags;
    throw new AwsFault('InvalidResourceId', `The resource ID is not valid: ${id}`);
  };
  return {
    AddTagsToResource: (input) => {
      const fields = readInput(input);
      const tags = tagsOf(fields);
      const added = fields.tags('Tags');
      if (added.size === 0) throw invalid('Tags must not be empty.');
      for (const [key, value] of added) tags.set(key, value);
      return {};
    },
    RemoveTagsFromResource: (input) => {
      const fields = readInput(input);
      const tags = tagsOf(fields);
      for (const key of fields.texts('TagKeys')) tags.delete(key);
      return {};
    },
    ListTagsForResource: (input) => ({
      TagList: toTagList(tagsOf(readInput(input))),
    }),
  };
}
