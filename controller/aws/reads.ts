import {
  type EC2Client,
  paginateDescribeRouteTables,
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
  paginateDescribeVpcEndpoints,
  paginateDescribeVpcs,
  type RouteTable,
  type SecurityGroup,
  type Subnet,
  type Vpc,
  type VpcEndpoint,
} from '@aws-sdk/client-ec2';
import type { SchedulerClient } from '@aws-sdk/client-scheduler';
import {
  type InstanceInformation,
  paginateDescribeInstanceInformation,
  paginateDescribeSessions,
  type Session,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { nameFor } from '../core/key.ts';
import { readScheduleGroup, type ScheduleGroup } from './schedule-group.ts';
import { TAG } from './tags.ts';

/** Whole lists that more than one kind looks at. Each is read at most once per pass, to its last page, or throws. */
export interface Reads {
  readonly securityGroups: () => Promise<readonly SecurityGroup[]>;
  readonly vpcEndpoints: () => Promise<readonly VpcEndpoint[]>;
  readonly vpcs: () => Promise<readonly Vpc[]>;
  readonly subnets: () => Promise<readonly Subnet[]>;
  readonly routeTables: () => Promise<readonly RouteTable[]>;
  /** Managed nodes that carry our tag, or have our role, as far as the service's filters can be trusted. */
  readonly ownNodes: () => Promise<readonly InstanceInformation[]>;
  /** Whose target is ours they do not say. */
  readonly activeSessions: () => Promise<readonly Session[]>;
  /** Under our name, whosever it is; undefined when there is none. */
  readonly scheduleGroup: () => Promise<ScheduleGroup | undefined>;
}

interface ReadClients {
  readonly ec2: EC2Client;
  readonly ssm: SSMClient;
  readonly scheduler: SchedulerClient;
}

export function createReads(
  { ec2, ssm, scheduler }: ReadClients,
  { installation, region }: { readonly installation: string; readonly region: string },
): Reads {
  // A page size turns a describe into the cheaper, paginated kind for AWS's throttling (aws-facts 8).
  const paging = { client: ec2, pageSize: 1000 };
  return {
    securityGroups: once(() =>
      collect(paginateDescribeSecurityGroups(paging, {}), (page) => page.SecurityGroups),
    ),
    vpcEndpoints: once(() => collect(paginateDescribeVpcEndpoints(paging, {}), (page) => page.VpcEndpoints)),
    vpcs: once(() => collect(paginateDescribeVpcs(paging, {}), (page) => page.Vpcs)),
    subnets: once(() => collect(paginateDescribeSubnets(paging, {}), (page) => page.Subnets)),
    routeTables: once(() =>
      collect(paginateDescribeRouteTables({ ...paging, pageSize: 100 }, {}), (page) => page.RouteTables),
    ),
    ownNodes: once(async () => {
      const role = nameFor.role(installation, region, 'ssm-service');
      const filters = [
        { Key: `tag:${TAG.installation}`, Values: [installation] },
        { Key: 'IamRole', Values: [role] },
      ];
      // One after the other: AWS takes no other filter beside one for a tag.
      const lists = await Promise.all(
        filters.map((filter) => {
          const pages = paginateDescribeInstanceInformation(
            { client: ssm, pageSize: 50 },
            { Filters: [filter] },
          );
          return collect(pages, (page) => page.InstanceInformationList);
        }),
      );
      return [...new Map(lists.flat().map((node) => [node.InstanceId, node])).values()];
    }),
    activeSessions: once(() => {
      const pages = paginateDescribeSessions({ client: ssm, pageSize: 200 }, { State: 'Active' });
      return collect(pages, (page) => page.Sessions);
    }),
    scheduleGroup: once(() =>
      readScheduleGroup(scheduler, nameFor.scheduleGroup(installation), installation),
    ),
  };
}

/** All items of all pages. @throws what any page throws: a partial list is never returned */
export async function collect<Page, Item>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => readonly Item[] | undefined,
): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of pages) items.push(...(itemsOf(page) ?? []));
  return items;
}

export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load();
    return loaded;
  };
}
