import {
  DescribeActivationsCommand,
  type InstanceInformation,
  ListTagsForResourceCommand,
  paginateDescribeInstanceInformation,
} from '@aws-sdk/client-ssm';
import type { Aws } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { readTags } from '../aws/tags.ts';
import { nameFor } from '../core/key.ts';
import { derivedName } from '../core/name.ts';
import type { ObjectName } from '../machinery/object.ts';

/** The name that a Bastion's node gets from its activation. */
export function nodeName(installation: string, owner: ObjectName): string {
  return derivedName(['bastion', installation, owner], 100);
}

export interface NodeMarks {
  readonly isOurs: boolean;
  readonly owner?: ObjectName;
}

/** A node's tags are in no list and can be changed by anybody; its role and its name come from our activation, and both of them say so too. */
export async function nodeMarks(aws: Aws, node: InstanceInformation): Promise<NodeMarks> {
  const { InstanceId: id = '', IamRole: role, Name: name = '' } = node;
  const { installation, region } = aws.scope;
  const request = new ListTagsForResourceCommand({ ResourceType: 'ManagedInstance', ResourceId: id });
  const answer = await unlessGone(() => aws.ssm.send(request));
  const tagged = readTags(installation, answer?.TagList);
  const hasOurRole = role === nameFor.role(installation, region, 'ssm-service');
  const isOurs = tagged.owned || (hasOurRole && name.startsWith(`bastion-${installation}-`));
  if (!isOurs) return { isOurs };
  const isFor = (owner: ObjectName | undefined) =>
    owner !== undefined && nodeName(installation, owner) === name;
  if (isFor(tagged.owner)) return { isOurs, ...(tagged.owner ? { owner: tagged.owner } : {}) };
  const activated = await activatedFor(aws, node.ActivationId);
  const owner = isFor(activated) ? activated : tagged.owner;
  return { isOurs, ...(owner ? { owner } : {}) };
}

/** What the activation that it registered with says: nobody can change that. */
async function activatedFor(aws: Aws, id: string | undefined): Promise<ObjectName | undefined> {
  if (id === undefined) return undefined;
  const Filters = [{ FilterKey: 'ActivationIds' as const, FilterValues: [id] }];
  const { ActivationList = [] } = await aws.ssm.send(new DescribeActivationsCommand({ Filters }));
  const found = ActivationList.find(({ ActivationId }) => ActivationId === id);
  const owner = /^Bastion ([^/ ,]+\/[^/ ,]+)/.exec(found?.Description ?? '')?.at(1);
  return owner as ObjectName | undefined;
}

/** Undefined when there is none any more. */
export async function findNode(aws: Aws, id: string): Promise<InstanceInformation | undefined> {
  const filter = { Filters: [{ Key: 'InstanceIds', Values: [id] }] };
  const pages = paginateDescribeInstanceInformation({ client: aws.ssm, pageSize: 50 }, filter);
  const nodes = await unlessGone(() => collect(pages, (page) => page.InstanceInformationList));
  return nodes?.find(({ InstanceId }) => InstanceId === id);
}
