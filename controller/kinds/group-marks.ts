import type { SecurityGroup } from '@aws-sdk/client-ec2';
import { lostTags, ownTags, readTags, TAG } from '../aws/tags.ts';
import { keyFor } from '../core/key.ts';
import { derivedName } from '../core/name.ts';
import type { Key, Tags } from '../core/resource.ts';
import type { ObjectName } from '../machinery/object.ts';

/*
 * A group of ours is told by its name and its description. Neither can be changed once the group is there, and the name's
 * digest follows from the installation and from what the description names; tags can be taken away by anybody. They tell
 * only where the text does not.
 */

export interface GroupMarks {
  readonly key: Key;
  /** The Bastion it is for; undefined on the group of a VPC's endpoints. */
  readonly owner?: ObjectName;
  /** Our own tags that somebody has taken away or changed: the controller's rights hang on them. */
  readonly lost: Tags;
}

/** The name and the description of a task's group. */
export function taskGroupText(installation: string, owner: ObjectName) {
  return {
    name: derivedName(['bastion', installation, owner], 255),
    description: `Bastion ${owner} made by bastion-operator`,
  };
}

/** The name and the description of the group of a VPC's endpoints. */
export function endpointGroupText(installation: string, vpcId: string) {
  return {
    name: derivedName(['bastion', installation, vpcId, 'endpoints'], 255),
    description: `VPC endpoints of ${vpcId} made by bastion-operator`,
  };
}

/** Undefined when it is not of this installation. */
export function marksOfGroup(installation: string, group: SecurityGroup): GroupMarks | undefined {
  const tagged = readTags(installation, group.Tags);
  const named = namedGroup(installation, group);
  if (named) return { ...named, lost: lostTags(ownTags(installation, named.key, named.owner), tagged.tags) };
  if (!tagged.owned || !tagged.key) return undefined;
  return { key: tagged.key, ...(tagged.owner ? { owner: tagged.owner } : {}), lost: {} };
}

function namedGroup(
  installation: string,
  { GroupName: name, Description: description = '', VpcId: vpcId = '' }: SecurityGroup,
): Omit<GroupMarks, 'lost'> | undefined {
  const isText = (text: ReturnType<typeof taskGroupText>) =>
    text.name === name && text.description === description;
  if (isText(endpointGroupText(installation, vpcId))) return { key: keyFor.endpointGroup(vpcId) };
  const owner = /^Bastion ([^/ ]+\/[^/ ]+) made by bastion-operator$/.exec(description)?.at(1) as
    | ObjectName
    | undefined;
  if (!owner || !isText(taskGroupText(installation, owner))) return undefined;
  return { key: keyFor.taskGroup(vpcId, owner), owner };
}

/** Of the detail of an observed group: it is ours by its text alone. */
export function hasLostInstallation(detail: unknown): boolean {
  const { lost } = detail as { readonly lost?: Tags };
  return lost?.[TAG.installation] !== undefined;
}

/**
 * What AWS said of a group without our tags, with what a person has to do: the controller's rights end where its tags do, and
 * it may not put them on what does not carry them, or it could make any group its own.
 */
export function withLostTags(error: unknown, id: string, lost: Tags): unknown {
  const isRefusal = error instanceof Error && /^(UnauthorizedOperation|AccessDenied)/.test(error.name);
  const tags = Object.entries(lost).map(([name, value]) => `${name}=${value}`);
  if (!isRefusal || tags.length === 0) return error;
  const message = `${id} is ours by its name, but somebody took its tags: put ${tags.join(' and ')} back on it by hand, since the controller must not (${error.message})`;
  return Object.assign(new Error(message, { cause: error }), { name: error.name });
}
