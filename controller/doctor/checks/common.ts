import { contains } from '../../core/cidr.ts';
import type { Rule } from '../../core/facts.ts';
import { type EndpointService, keyFor } from '../../core/key.ts';
import { capturingEndpoint, interfaceServices, networkPath } from '../../core/network-path.ts';
import type { Key, Observed } from '../../core/resource.ts';
import { objectName } from '../../machinery/object.ts';
import { ok, problem, type Result } from '../check.ts';
import type { Picture } from '../picture.ts';

export const HTTPS = 443;

/** It was there in this life: the controller has put its id on record. */
export function isRecorded({ bastion, life }: Picture, key: Key): boolean {
  const resource = bastion.status?.resources?.find((candidate) => candidate.key === key);
  return life.state === 'active' && resource?.id !== undefined && resource.state !== 'deleting';
}

/** What is not there yet is still to come; what was there has been taken away. */
export function absent(picture: Picture, key: Key, what: string, of?: string): Result {
  if (!isRecorded(picture, key)) return ok('will be created', of);
  return problem(`${what} is gone, though it was made for this Bastion`, repair(picture), of);
}

/** For what the controller puts right by itself, as long as there is one. */
export function repair({ bastion }: Picture): string {
  return `the controller puts it right at its next look; if it stays so, start the controller and see: bastionctl describe bastion ${bastion.metadata.name}`;
}

export function vpcOf({ bastion }: Picture): string {
  return bastion.spec.network.vpcId;
}

export function pathOf({ bastion, facts }: Picture) {
  return networkPath(bastion, facts);
}

export function taskGroupOf(picture: Picture): { readonly key: Key; readonly id: string | undefined } {
  const key = keyFor.taskGroup(vpcOf(picture), objectName(picture.bastion));
  return { key, id: picture.lookup(key)?.id };
}

export function subnetCidrs({ bastion, facts }: Picture): readonly string[] {
  return bastion.spec.network.subnetIds.flatMap((id) => facts.subnets[id]?.cidr ?? []);
}

export function admitsPort(rule: Rule, port: number): boolean {
  return rule.protocol === '-1' || (rule.protocol === 'tcp' && rule.fromPort <= port && port <= rule.toPort);
}

/** Whether a group with these ingress rules lets the task in: by the task's group, or by every address it may have. */
export function admitsTask(picture: Picture, rules: readonly Rule[], port: number): boolean {
  const open = rules.filter((rule) => admitsPort(rule, port));
  const { id } = taskGroupOf(picture);
  if (open.some((rule) => rule.peer === id)) return true;
  const cidrs = subnetCidrs(picture);
  // Of subnets that nobody knows nothing can be said to be let in.
  if (cidrs.length === 0) return false;
  return cidrs.every((cidr) => open.some((rule) => contains(rule.peer, cidr)));
}

export interface ServingEndpoint {
  readonly service: EndpointService;
  readonly id: string;
  readonly groupIds: readonly string[];
  readonly isOwn: boolean;
}

/** The interface endpoints that answer for the task's services, ours or not, in the order of the services. */
export function servingEndpoints(picture: Picture): readonly ServingEndpoint[] {
  const { bastion, facts } = picture;
  return interfaceServices(bastion).flatMap((service): ServingEndpoint[] => {
    const foreign = capturingEndpoint(vpcOf(picture), service, facts);
    if (foreign) return [{ service, id: foreign.id, groupIds: foreign.groupIds, isOwn: false }];
    const own = ownEndpoint(picture, service);
    return own ? [{ service, id: own.id, groupIds: own.detail.groupIds, isOwn: true }] : [];
  });
}

interface EndpointDetail {
  readonly subnetIds: readonly string[];
  readonly routeTableIds: readonly string[];
  readonly groupIds: readonly string[];
  readonly privateDns: boolean;
}

/** Ours, as its kind observed it. */
export function ownEndpoint(
  picture: Picture,
  service: EndpointService,
): (Omit<Observed, 'detail'> & { readonly detail: EndpointDetail }) | undefined {
  const found = picture.lookup(keyFor.endpoint(vpcOf(picture), service));
  if (!found || found.state === 'deleting' || found.state === 'gone') return undefined;
  const {
    subnetIds = [],
    routeTableIds = [],
    groupIds = [],
    privateDns = false,
  } = (found.detail ?? {}) as Partial<EndpointDetail>;
  return { ...found, detail: { subnetIds, routeTableIds, groupIds, privateDns } };
}
