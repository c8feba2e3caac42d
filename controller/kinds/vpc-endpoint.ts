import {
  CreateTagsCommand,
  CreateVpcEndpointCommand,
  DeleteVpcEndpointsCommand,
  ModifyVpcEndpointCommand,
  type ModifyVpcEndpointCommandInput,
  type VpcEndpoint,
} from '@aws-sdk/client-ec2';
import type { Aws } from '../aws/aws.ts';
import { classify, unlessGone } from '../aws/errors.ts';
import { missingTags, readTags, tagsFor, upper } from '../aws/tags.ts';
import { type EndpointService, keyFor } from '../core/key.ts';
import { digest } from '../core/name.ts';
import type { Desired, Lookup, Observed, ObservedState } from '../core/resource.ts';
import { SAME } from '../core/resource.ts';
import { type EndpointSpec, mergeEndpoints, wishEndpoints } from './endpoint-wishes.ts';
import { defineKind } from './kind.ts';
import { networkProblems } from './network-preflight.ts';

interface Detail {
  readonly service: string;
  readonly subnetIds: readonly string[];
  readonly routeTableIds: readonly string[];
  readonly groupIds: readonly string[];
  readonly privateDns: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** Interface endpoints with private DNS, and the S3 gateway: one each per VPC, shared by all Bastions in it. */
export const vpcEndpoint = defineKind<EndpointSpec, Detail>({
  name: 'vpc-endpoint',
  condition: 'NetworkReady',
  desire: wishEndpoints,
  preflight: ({ bastion }, facts, settings) => networkProblems(bastion, facts, settings),
  merge: mergeEndpoints,
  diff(desired, observed, lookup) {
    const changes = differences(desired, observed, lookup);
    const names = Object.keys(changes);
    if (names.length > 0) {
      // Another zone more or less: whoever uses it is served from the ones it has.
      const harmless = names.every((name) => name === 'AddSubnetIds' || name.startsWith('Remove'));
      return { verdict: 'update', why: `differs in ${names.join(', ')}`, harmless };
    }
    const tags = missingTags(desired.tags, observed.detail.tags);
    return Object.keys(tags).length > 0 ? { verdict: 'update', why: 'tags differ', harmless: true } : SAME;
  },
  async list(aws, before) {
    const endpoints = await aws.reads.vpcEndpoints();
    const working = new Set(
      (before ?? []).filter((known) => known.state === 'ready').map((known) => known.id),
    );
    return endpoints.flatMap((endpoint) => observe(aws, endpoint)).map((seen) => stillWorking(seen, working));
  },
  async create(aws, desired, lookup) {
    const { spec } = desired;
    const tags = tagsFor(aws.scope.installation, desired, `bastion ${spec.service}`);
    const group = spec.group ? lookup(spec.group)?.id : undefined;
    const shape =
      spec.type === 'Gateway'
        ? { RouteTableIds: [...spec.routeTableIds] }
        : {
            SubnetIds: Object.values(spec.subnets),
            PrivateDnsEnabled: true,
            ...(group ? { SecurityGroupIds: [group] } : {}),
          };
    const { VpcEndpoint } = await aws.ec2.send(
      new CreateVpcEndpointCommand({
        VpcId: spec.vpcId,
        ServiceName: `com.amazonaws.${aws.scope.region}.${spec.service}`,
        VpcEndpointType: spec.type,
        ClientToken: clientToken(aws, desired, lookup),
        TagSpecifications: [{ ResourceType: 'vpc-endpoint', Tags: upper(tags) }],
        ...shape,
      }),
    );
    if (!VpcEndpoint) return undefined;
    const made = { ...VpcEndpoint, Tags: upper(tags) };
    return observe(aws, made)[0] ?? predecessor(aws, made);
  },
  async update(aws, desired, observed, lookup) {
    const changes = differences(desired, observed, lookup);
    if (Object.keys(changes).length > 0) {
      await aws.ec2.send(new ModifyVpcEndpointCommand({ VpcEndpointId: observed.id, ...changes }));
    }
    const tags = missingTags(desired.tags, observed.detail.tags);
    if (Object.keys(tags).length > 0) {
      await aws.ec2.send(new CreateTagsCommand({ Resources: [observed.id], Tags: upper(tags) }));
    }
    return changed(observed, changes, tags);
  },
  async remove(aws, observed) {
    const removal = new DeleteVpcEndpointsCommand({ VpcEndpointIds: [observed.id] });
    const answer = await unlessGone(() => aws.ec2.send(removal));
    // The call succeeds even when it refuses (aws-facts 1).
    const refusal = answer?.Unsuccessful?.[0]?.Error;
    if (refusal) {
      const error = Object.assign(new Error(refusal.Message ?? 'DeleteVpcEndpoints refused'), {
        name: refusal.Code ?? 'Unknown',
      });
      if (classify(error) !== 'gone') throw error;
      return 'gone';
    }
    return answer ? 'deleting' : 'gone';
  },
});

/** The same for the same wish, so that a call repeated after a lost answer makes no second endpoint. */
function clientToken(aws: Aws, desired: Desired<EndpointSpec>, lookup: Lookup): string {
  const { spec } = desired;
  const group = spec.group ? lookup(spec.group)?.id : undefined;
  return digest([aws.scope.installation, desired.key, spec, desired.tags, group, desired.generation], 48);
}

function observe(aws: Aws, endpoint: VpcEndpoint): Observed<Detail>[] {
  const { VpcEndpointId: id, VpcId: vpcId, ServiceName } = endpoint;
  const service = ServiceName?.replace(`com.amazonaws.${aws.scope.region}.`, '');
  const state = stateOf(endpoint.State);
  if (!id || !vpcId || !service || !state) return [];
  const tagged = readTags(aws.scope.installation, endpoint.Tags);
  const error = endpoint.LastError?.Message ?? endpoint.FailureReason;
  const groupIds = (endpoint.Groups ?? []).flatMap((group) => group.GroupId ?? []);
  return [
    {
      kind: 'vpc-endpoint',
      key: tagged.key ?? keyFor.endpoint(vpcId, service as EndpointService),
      id,
      owned: tagged.owned,
      state,
      uses: groupIds,
      message: error ?? `endpoint is ${endpoint.State?.toLowerCase()}`,
      detail: {
        service,
        subnetIds: endpoint.SubnetIds ?? [],
        routeTableIds: endpoint.RouteTableIds ?? [],
        groupIds,
        privateDns: endpoint.PrivateDnsEnabled === true,
        tags: tagged.tags,
      },
    },
  ];
}

/**
 * A token that AWS knows is answered with what was once made by it, also when that is deleted: the wish came back, and nobody
 * remembered its last life. Once this id is on record, the next token is another one.
 */
function predecessor(aws: Aws, endpoint: VpcEndpoint): Observed<Detail> | undefined {
  const [seen] = observe(aws, { ...endpoint, State: 'Deleting' });
  return seen && { ...seen, state: 'gone', message: 'AWS answered with an endpoint that was deleted before' };
}

/** AWS takes an endpoint back to pending while it is modified, and it serves on meanwhile: nobody who uses it is worse off. */
function stillWorking(seen: Observed<Detail>, working: ReadonlySet<string>): Observed<Detail> {
  if (seen.state !== 'pending' || !working.has(seen.id)) return seen;
  return { ...seen, state: 'ready', message: 'endpoint is being modified' };
}

/** The wire writes states in lower case, the SDK's enum capitalised (aws-facts 1). Undefined: deleted. */
function stateOf(state: string | undefined): ObservedState | undefined {
  switch (state?.toLowerCase()) {
    case 'available':
      return 'ready';
    case 'deleted':
      return undefined;
    case 'deleting':
      return 'deleting';
    case 'failed':
    case 'rejected':
    case 'expired':
      return 'failed';
    default:
      return 'pending';
  }
}

type Changes = Omit<ModifyVpcEndpointCommandInput, 'VpcEndpointId'>;

function differences(desired: Desired<EndpointSpec>, observed: Observed<Detail>, lookup: Lookup): Changes {
  const { spec } = desired;
  const { subnetIds, routeTableIds, groupIds, privateDns } = observed.detail;
  if (spec.type === 'Gateway') {
    return {
      ...listed('AddRouteTableIds', minus(spec.routeTableIds, routeTableIds)),
      ...listed('RemoveRouteTableIds', minus(routeTableIds, spec.routeTableIds)),
    };
  }
  const group = spec.group ? lookup(spec.group)?.id : undefined;
  const groups = group ? [group] : [];
  return {
    ...(privateDns ? {} : { PrivateDnsEnabled: true }),
    // One subnet per zone: any subnet that covers a wanted zone does, so two Bastions with different ones don't fight.
    ...listed('AddSubnetIds', uncovered(spec, subnetIds)),
    ...listed('RemoveSubnetIds', minus(subnetIds, covering(spec, subnetIds))),
    ...listed('AddSecurityGroupIds', minus(groups, groupIds)),
    ...(group ? listed('RemoveSecurityGroupIds', minus(groupIds, groups)) : {}),
  };
}

/** As AWS has accepted it: a pass that does not list endpoints anew must not ask for the same again. */
function changed(before: Observed<Detail>, changes: Changes, tags: Detail['tags']): Observed<Detail> {
  const { detail } = before;
  const groupIds = replaced(detail.groupIds, changes.RemoveSecurityGroupIds, changes.AddSecurityGroupIds);
  return {
    ...before,
    uses: groupIds,
    detail: {
      ...detail,
      subnetIds: replaced(detail.subnetIds, changes.RemoveSubnetIds, changes.AddSubnetIds),
      routeTableIds: replaced(detail.routeTableIds, changes.RemoveRouteTableIds, changes.AddRouteTableIds),
      groupIds,
      privateDns: changes.PrivateDnsEnabled ?? detail.privateDns,
      tags: { ...detail.tags, ...tags },
    },
  };
}

function replaced(ids: readonly string[], removed: readonly string[] = [], added: readonly string[] = []) {
  return [...minus(ids, removed), ...added];
}

function uncovered(spec: EndpointSpec, present: readonly string[]): string[] {
  const zones = new Set(present.map((id) => spec.zones[id]));
  return Object.entries(spec.subnets).flatMap(([zone, id]) => (zones.has(zone) ? [] : [id]));
}

function covering(spec: EndpointSpec, present: readonly string[]): string[] {
  return present.filter((id) => {
    const zone = spec.zones[id];
    return zone !== undefined && zone in spec.subnets;
  });
}

function listed<Name extends string>(name: Name, ids: readonly string[]): { [N in Name]?: string[] } {
  return (ids.length > 0 ? { [name]: [...ids] } : {}) as { [N in Name]?: string[] };
}

function minus(a: readonly string[], b: readonly string[]): string[] {
  return a.filter((id) => !b.includes(id));
}
