import type { Bastion } from '../api/bastion.ts';
import type { Aws } from '../aws/aws.ts';
import { readDatabases } from '../aws/databases.ts';
import { explain } from '../aws/errors.ts';
import {
  readDns,
  readForeignEndpoints,
  readGroups,
  readNetwork,
  readPrefixList,
  readTier,
  readVpcs,
  readZones,
} from '../aws/facts.ts';
import { type Facts, NO_FACTS } from '../core/facts.ts';
import type { KindName, Observed } from '../core/resource.ts';
import { EMPTY_SNAPSHOT, indexByKey, lookupIn, type Part } from '../core/snapshot.ts';
import { namedDatabases } from '../core/targets.ts';
import { KINDS } from '../kinds/index.ts';
import type { Clock } from '../machinery/clock.ts';
import type { Source } from './picture.ts';

/** Collects what was read, and why the rest was not. */
export class Notes {
  readonly unread = new Map<Source, string>();
  readonly #onProgress: (what: string) => void;

  constructor(onProgress: (what: string) => void) {
    this.#onProgress = onProgress;
  }

  /** What is read, or `otherwise`: then it is noted why. */
  async read<T>(source: Source, what: string, reading: () => Promise<T>, otherwise: T): Promise<T> {
    this.#onProgress(`reading ${what}`);
    try {
      return await reading();
    } catch (error) {
      this.unread.set(source, explain(error));
      return otherwise;
    }
  }
}

/** What the network looks like, part by part: one that is refused leaves the others. */
export async function lookAtNetwork(aws: Aws, bastion: Bastion, notes: Notes): Promise<Facts> {
  const { vpcId } = bastion.spec.network;
  const hybrid = bastion.spec.access.transport === 'HybridActivation';
  const { accountId, region } = aws.scope;
  const named = namedDatabases([bastion]);
  const [vpcs, network, securityGroups, foreignEndpoints, s3PrefixListId, endpointZones, tier, databases] =
    await Promise.all([
      notes.read('vpcs', 'VPCs', () => readVpcs(aws, []), {} as Facts['vpcs']),
      notes.read('network', 'subnets and routes', () => readNetwork(aws, undefined, true), NO_FACTS),
      notes.read('groups', 'security groups', () => readGroups(aws), {}),
      notes.read('endpoints', 'VPC endpoints', () => readForeignEndpoints(aws), []),
      notes.read('prefix-list', 'the prefix list of S3', () => readPrefixList(aws, undefined), undefined),
      notes.read('zones', 'the zones of endpoint services', () => readZones(aws.ec2, region), {}),
      hybrid ? notes.read('tier', 'the activation tier', () => readTier(aws), undefined) : undefined,
      named.length > 0 ? notes.read('databases', 'databases', () => readDatabases(aws, named, {}), {}) : {},
    ]);
  const vpc = vpcs[vpcId];
  const dns = vpc && (await notes.read('dns', 'DNS attributes', () => readDns(aws.ec2, vpcId), undefined));
  return {
    ...NO_FACTS,
    ...{ accountId, region, securityGroups, foreignEndpoints, endpointZones, databases },
    vpcs: vpc ? { ...vpcs, [vpcId]: { ...vpc, ...dns } } : vpcs,
    subnets: network.subnets,
    routeTables: network.routeTables,
    ...(s3PrefixListId === undefined ? {} : { s3PrefixListId }),
    ...(tier === undefined ? {} : { activationTier: tier }),
  };
}

const LISTED: readonly { readonly kind: KindName; readonly source: Source; readonly what: string }[] = [
  { kind: 'security-group', source: 'groups', what: 'security groups' },
  { kind: 'vpc-endpoint', source: 'endpoints', what: 'VPC endpoints' },
  { kind: 'task', source: 'tasks', what: 'tasks' },
  { kind: 'activation', source: 'activations', what: 'activations' },
  { kind: 'managed-instance', source: 'nodes', what: 'managed nodes' },
];
const HYBRID_ONLY: readonly KindName[] = ['activation', 'managed-instance'];

/** The operator's own resources that a Bastion of this transport has. */
export async function lookAtResources(aws: Aws, bastion: Bastion, clock: Clock, notes: Notes) {
  const hybrid = bastion.spec.access.transport === 'HybridActivation';
  const wanted = LISTED.filter(({ kind }) => hybrid || !HYBRID_ONLY.includes(kind));
  const parts = await Promise.all(
    wanted.map(async ({ kind: name, source, what }): Promise<[KindName, Part]> => {
      const kind = KINDS.find((candidate) => candidate.name === name);
      const list = async () => (await kind?.list(aws, undefined)) ?? [];
      const resources = await notes.read<readonly Observed[]>(source, what, list, []);
      return [name, { resources, observedAt: clock.now(), sequence: 1 }];
    }),
  );
  return lookupIn(indexByKey({ ...EMPTY_SNAPSHOT, parts: new Map(parts) }));
}
