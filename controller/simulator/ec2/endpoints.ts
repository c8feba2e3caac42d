import { scatter } from '../scatter.ts';
import { AwsFault, type Input, type Operation } from '../world.ts';
import {
  checkPrivateDns,
  checkQuota,
  checkRouteTables,
  checkSubnets,
  readPolicy,
  serviceFor,
} from './endpoint-rules.ts';
import { describe, flag, requiredText, tagSet, tagsFor, text, texts } from './query.ts';
import type { Ec2State, Endpoint, EndpointService } from './state.ts';

const FULL_ACCESS_POLICY = JSON.stringify({
  Version: '2008-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }],
});

export function endpointOperations(state: Ec2State): Record<string, Operation> {
  return {
    CreateVpcEndpoint: (input) => createEndpoint(state, input),
    ModifyVpcEndpoint: (input) => modifyEndpoint(state, input),
    DeleteVpcEndpoints: (input) => deleteEndpoints(state, input),
    DescribeVpcEndpoints: (input) => describeEndpoints(state, input),
    DescribeVpcEndpointServices: (input) => describeServices(state, input),
  };
}

/**
 * A repeated client token answers with the endpoint it made, though that one be deleted meanwhile. AWS does not say what
 * it does then (aws-facts 1); this is the less convenient of the possibilities.
 */
function createEndpoint(state: Ec2State, input: Input): object {
  const token = text(input, 'ClientToken');
  if (token !== undefined && !/^[\x20-\x7e]{1,64}$/.test(token)) {
    throw new AwsFault('InvalidParameterValue', 'ClientToken must be at most 64 ASCII characters.');
  }
  const fingerprint = JSON.stringify(Object.entries({ ...input, ClientToken: '' }).sort());
  const known = token === undefined ? undefined : state.tokens.get(token);
  if (known && known.fingerprint !== fingerprint) {
    const message = 'The client token was used before, with other parameters.';
    throw new AwsFault('IdempotentParameterMismatch', message);
  }
  const endpoint = known?.endpoint ?? addEndpoint(state, input);
  if (token !== undefined) state.tokens.set(token, { fingerprint, endpoint });
  return { vpcEndpoint: show(state, endpoint), clientToken: token };
}

function addEndpoint(state: Ec2State, input: Input): Endpoint {
  const type = text(input, 'VpcEndpointType') ?? 'Gateway';
  if (type !== 'Interface' && type !== 'Gateway') {
    throw new AwsFault('InvalidParameter', `Endpoint type ${type} is not supported here.`);
  }
  const vpc = state.vpc(requiredText(input, 'VpcId'));
  const service = serviceFor(state, requiredText(input, 'ServiceName'), type);
  const tags = tagsFor(input, 'vpc-endpoint');
  const policy = readPolicy(text(input, 'PolicyDocument')) ?? FULL_ACCESS_POLICY;
  const subnetIds = texts(input, 'SubnetId');
  const routeTableIds = texts(input, 'RouteTableId');
  const privateDns = type === 'Interface' && flag(input, 'PrivateDnsEnabled') !== false;
  checkPlacement(type, subnetIds, routeTableIds, texts(input, 'SecurityGroupId'));
  checkQuota(state, type, vpc.id);
  if (privateDns) checkPrivateDns(state, vpc, service);
  checkSubnets(state, { service, vpcId: vpc.id, added: subnetIds, present: [] });
  checkRouteTables(state, { service, vpcId: vpc.id, added: routeTableIds });
  const groupIds =
    type === 'Interface' ? groupsOrDefault(state, texts(input, 'SecurityGroupId'), vpc.id) : [];
  state.checkGroups(groupIds, vpc.id);
  const endpoint: Endpoint = {
    ...{ id: state.newId('vpce'), vpcId: vpc.id, serviceName: service.name, type, policy, privateDns },
    ...{
      createdAt: state.world.now(),
      state: 'pending',
      serving: false,
      generation: 0,
      groupIds,
      routeTableIds,
    },
    interfaces: new Map(),
  };
  for (const subnetId of subnetIds) attach(state, endpoint, subnetId);
  state.endpoints.set(endpoint.id, endpoint);
  state.tags.set(endpoint.id, tags);
  becomeAvailable(state, endpoint);
  return endpoint;
}

function checkPlacement(
  type: Endpoint['type'],
  subnets: unknown[],
  tables: unknown[],
  groups: unknown[],
): void {
  if (type === 'Interface' && tables.length > 0) {
    throw new AwsFault(
      'InvalidParameter',
      'Route table IDs are only supported for Gateway type VPC endpoints.',
    );
  }
  if (type === 'Gateway' && subnets.length + groups.length > 0) {
    const message = 'Subnet and security group IDs are only supported for Interface type VPC endpoints.';
    throw new AwsFault('InvalidParameter', message);
  }
}

function groupsOrDefault(state: Ec2State, given: string[], vpcId: string): string[] {
  if (given.length > 0) return given;
  const groups = [...state.groups.values()];
  return groups.filter((group) => group.vpcId === vpcId && group.name === 'default').map((group) => group.id);
}

function attach(state: Ec2State, endpoint: Endpoint, subnetId: string): void {
  const { groupIds } = endpoint;
  const description = `VPC Endpoint Interface ${endpoint.id}`;
  const added = state.attach({ subnetId, groupIds, description, kind: 'vpc_endpoint' });
  endpoint.interfaces.set(subnetId, added.id);
}

function becomeAvailable(state: Ec2State, endpoint: Endpoint): void {
  const { interfaceEndpointMs, gatewayEndpointMs } = state.world.latencies;
  const generation = ++endpoint.generation;
  endpoint.state = 'pending';
  state.world.schedule(endpoint.type === 'Gateway' ? gatewayEndpointMs : interfaceEndpointMs, () => {
    if (endpoint.generation !== generation || endpoint.state !== 'pending') return;
    endpoint.state = 'available';
    endpoint.serving = true;
  });
}

/** @throws AwsFault InvalidVpcEndpointId.NotFound */
function existing(state: Ec2State, id: string): Endpoint {
  const endpoint = state.endpoints.get(id);
  if (endpoint && state.isVisible(endpoint)) return endpoint;
  throw new AwsFault('InvalidVpcEndpointId.NotFound', `The Vpc Endpoint Id '${id}' does not exist`);
}

function modifyEndpoint(state: Ec2State, input: Input): object {
  const endpoint = existing(state, requiredText(input, 'VpcEndpointId'));
  if (endpoint.state === 'deleting') {
    throw new AwsFault(
      'IncorrectState',
      `The endpoint ${endpoint.id} is being deleted and cannot be modified.`,
    );
  }
  const service = serviceFor(state, endpoint.serviceName, endpoint.type);
  const subnets = change(input, 'SubnetId', [...endpoint.interfaces.keys()]);
  const tables = change(input, 'RouteTableId', endpoint.routeTableIds);
  const groups = change(input, 'SecurityGroupId', endpoint.groupIds);
  const privateDns = flag(input, 'PrivateDnsEnabled') ?? endpoint.privateDns;
  const policy = readPolicy(text(input, 'PolicyDocument'));
  const { vpcId } = endpoint;
  checkPlacement(endpoint.type, subnets.after, tables.after, groups.after);
  if (privateDns && !endpoint.privateDns) checkPrivateDns(state, state.vpc(vpcId), service, endpoint);
  const present = subnets.after.filter((id) => !subnets.added.includes(id));
  checkSubnets(state, { service, vpcId, added: subnets.added, present });
  checkRouteTables(state, { service, vpcId, added: tables.added, self: endpoint });
  state.checkGroups(groups.after, vpcId);
  if (endpoint.type === 'Interface' && groups.after.length === 0) {
    throw new AwsFault('InvalidParameter', 'An interface endpoint must keep at least one security group.');
  }
  const slow = subnets.added.length + subnets.removed.length > 0 || privateDns !== endpoint.privateDns;
  endpoint.privateDns = privateDns;
  endpoint.routeTableIds = tables.after;
  endpoint.policy = flag(input, 'ResetPolicy') ? FULL_ACCESS_POLICY : (policy ?? endpoint.policy);
  changeInterfaces(state, endpoint, groups.after, subnets);
  if (slow) becomeAvailable(state, endpoint);
  return { return: true };
}

interface Change {
  readonly added: string[];
  readonly removed: string[];
  readonly after: string[];
}

function change(input: Input, name: string, before: readonly string[]): Change {
  const removed = texts(input, `Remove${name}`);
  const added = texts(input, `Add${name}`).filter((id) => !before.includes(id));
  return { added, removed, after: [...before.filter((id) => !removed.includes(id)), ...added] };
}

function changeInterfaces(state: Ec2State, endpoint: Endpoint, groupIds: string[], subnets: Change): void {
  endpoint.groupIds = groupIds;
  for (const subnetId of subnets.removed) {
    state.detach(endpoint.interfaces.get(subnetId) ?? '');
    endpoint.interfaces.delete(subnetId);
  }
  for (const id of endpoint.interfaces.values()) {
    const present = state.interfaces.get(id);
    if (present) present.groupIds = groupIds;
  }
  for (const subnetId of subnets.added) attach(state, endpoint, subnetId);
}

/** Answers 200 even when some could not be deleted: those are in `unsuccessful`. */
function deleteEndpoints(state: Ec2State, input: Input): object {
  const ids = texts(input, 'VpcEndpointId');
  if (ids.length === 0)
    throw new AwsFault('MissingParameter', 'The request must contain the parameter VpcEndpointId');
  const unsuccessful: object[] = [];
  for (const id of ids) {
    const endpoint = state.endpoints.get(id);
    if (endpoint && state.isVisible(endpoint)) removeEndpoint(state, endpoint);
    else {
      const message = `The Vpc Endpoint Id '${id}' does not exist`;
      unsuccessful.push({ resourceId: id, error: { code: 'InvalidVpcEndpoint.NotFound', message } });
    }
  }
  return { unsuccessful };
}

function removeEndpoint(state: Ec2State, endpoint: Endpoint): void {
  if (endpoint.state === 'deleting') return;
  endpoint.state = 'deleting';
  endpoint.generation += 1;
  const { endpointDeleteMs, gatewayEndpointMs, privateDnsLingerMs } = state.world.latencies;
  state.world.schedule(endpoint.type === 'Gateway' ? gatewayEndpointMs : endpointDeleteMs, () => {
    endpoint.state = 'deleted';
    for (const id of endpoint.interfaces.values()) state.detach(id);
    state.endpoints.delete(endpoint.id);
    state.tags.delete(endpoint.id);
    if (!endpoint.privateDns) return;
    state.lingeringNames.set(
      `${endpoint.vpcId} ${endpoint.serviceName}`,
      state.world.now() + privateDnsLingerMs,
    );
  });
}

function describeEndpoints(state: Ec2State, input: Input): object {
  const endpoints = [...state.endpoints.values()].filter((endpoint) => state.isVisible(endpoint));
  return describe(state, input, endpoints, {
    set: 'vpcEndpointSet',
    idOf: (endpoint) => endpoint.id,
    ids: { parameter: 'VpcEndpointId', notFound: 'InvalidVpcEndpointId.NotFound' },
    filters: {
      'vpc-id': (endpoint) => [endpoint.vpcId],
      'vpc-endpoint-id': (endpoint) => [endpoint.id],
      'service-name': (endpoint) => [endpoint.serviceName],
      'vpc-endpoint-state': (endpoint) => [endpoint.state],
      'vpc-endpoint-type': (endpoint) => [endpoint.type],
    },
    show: (endpoint) => show(state, endpoint),
  });
}

function show(state: Ec2State, endpoint: Endpoint): object {
  const { id, interfaces } = endpoint;
  const service = endpoint.serviceName.split('.').slice(3).join('.');
  const dnsName = `${id}.${service}.${state.world.region}.vpce.amazonaws.com`;
  return {
    ...{ vpcEndpointId: id, vpcEndpointType: endpoint.type, vpcId: endpoint.vpcId },
    ...{ serviceName: endpoint.serviceName, state: endpoint.state, policyDocument: endpoint.policy },
    routeTableIdSet: scatter(endpoint.routeTableIds, id),
    subnetIdSet: scatter([...interfaces.keys()], id),
    groupSet: scatter(endpoint.groupIds, id).map((groupId) => ({
      groupId,
      groupName: state.groups.get(groupId)?.name,
    })),
    privateDnsEnabled: endpoint.privateDns,
    requesterManaged: false,
    networkInterfaceIdSet: [...interfaces.values()],
    dnsEntrySet: endpoint.type === 'Interface' ? [{ dnsName, hostedZoneId: 'Z000SIMULATED' }] : [],
    creationTimestamp: new Date(endpoint.createdAt),
    tagSet: tagSet(state, id),
    ownerId: state.world.accountId,
  };
}

function describeServices(state: Ec2State, input: Input): object {
  const kinds = [...state.services.values()].flatMap((service) =>
    service.types.map((type) => ({ ...service, type })),
  );
  const names = texts(input, 'ServiceName');
  const missing = names.find((name) => !state.services.has(name));
  if (missing)
    throw new AwsFault('InvalidServiceName', `The Vpc Endpoint Service '${missing}' does not exist`);
  const wanted = names.length === 0 ? kinds : kinds.filter((service) => names.includes(service.name));
  const answer = describe<EndpointService & { type: string }>(state, input, wanted, {
    set: 'serviceDetailSet',
    idOf: (service) => `${service.name}#${service.type}`,
    filters: { 'service-name': (service) => [service.name], 'service-type': (service) => [service.type] },
    show: (service) => ({
      serviceName: service.name,
      serviceId: `vpce-svc-${service.name.length}`,
      serviceType: [{ serviceType: service.type }],
      serviceRegion: state.world.region,
      availabilityZoneSet: service.zones,
      owner: 'amazon',
      privateDnsName: service.type === 'Interface' ? service.privateDnsName : undefined,
      ...{ vpcEndpointPolicySupported: true, acceptanceRequired: false, managesVpcEndpoints: false },
    }),
  });
  return { serviceNameSet: [...new Set(wanted.map((service) => service.name))], ...answer };
}
