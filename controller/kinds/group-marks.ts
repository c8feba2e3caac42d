import type { SecurityGroup } from '@aws-sdk/client-ec2';
import type { ObjectName } from '../api/object.ts';
import { readTags } from '../aws/tags.ts';
import { derivedName } from '../core/name.ts';

/** The name and the description of a task's group: neither can be changed, once the group is there. */
export function taskGroupText(installation: string, owner: ObjectName) {
  return {
    name: derivedName(['bastion', installation, owner], 255),
    description: `Bastion ${owner} made by bastion-operator`,
  };
}

/**
 * The Bastion that a task group of ours is for. Tags can be taken away by anybody; the name, whose digest follows from the
 * installation and the owner that the description names, cannot.
 */
export function taskGroupOwner(installation: string, group: SecurityGroup): ObjectName | undefined {
  const named = /^Bastion ([^/ ]+\/[^/ ]+) made by bastion-operator$/.exec(group.Description ?? '')?.at(1);
  const owner = named as ObjectName | undefined;
  if (owner && group.GroupName === taskGroupText(installation, owner).name) return owner;
  const tagged = readTags(installation, group.Tags);
  return tagged.owned ? tagged.owner : undefined;
}
