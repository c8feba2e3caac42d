import type { Task } from '@aws-sdk/client-ecs';
import type { Scope } from '../aws/aws.ts';
import { readTags, TAG } from '../aws/tags.ts';
import { digest } from '../core/name.ts';
import type { ObjectName } from '../machinery/object.ts';
import { familyOf } from './task-content.ts';

/*
 * A task of ours is told by any one of its marks. Tags can be changed by anybody in the console, and a stopped task has none;
 * who started it, what it runs and what its container was given cannot be changed once it is there.
 */

export interface TaskMarks {
  readonly isOurs: boolean;
  /** The Bastion it was started for; undefined when nothing says so. */
  readonly owner?: ObjectName;
  /** What RunTask gave to our container. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Of a task in the cluster of our name. The cluster alone is no mark: anybody may have one of that name, or run a task of their own in ours. */
export function marksOf({ installation }: Scope, task: Task): TaskMarks {
  const environment = environmentOf(task);
  const tagged = readTags(installation, task.tags);
  const starter = readStarter(installation, task.startedBy);
  const given = environment['BASTION_OWNER'];
  const isOurs =
    tagged.owned || starter !== undefined || isOurFamily(installation, task) || given !== undefined;
  const owner = [given, starter?.owner, tagged.owner].find(
    (name): name is ObjectName => name !== undefined && /^[^/]+\/[^/]+$/.test(name),
  );
  return { isOurs, environment, ...(isOurs && owner ? { owner } : {}) };
}

/** Whether the tags that people's permissions ask for are there, too. */
export function isTagged({ installation }: Scope, task: Task): boolean {
  return readTags(installation, task.tags).tags[TAG.installation] === installation;
}

/** By the container's name: AWS promises no order, and GuardDuty adds an override of its own (aws-facts 4). */
function environmentOf(task: Task): Record<string, string> {
  const own = task.overrides?.containerOverrides?.filter(({ name }) => name === 'bastion') ?? [];
  const entries = own.flatMap(({ environment }) => environment ?? []);
  return Object.fromEntries(entries.map(({ name, value }) => [name ?? '', value ?? '']));
}

const STARTER = 'bastion-operator';
/** AWS's limit. */
const MOST_CHARACTERS = 128;

/** What stands in `startedBy`: letters, digits, `-`, `/` and `_`. No object's name has a `_`, so it can stand for a dot. */
export function starterOf(installation: string, owner: ObjectName): string {
  const prefix = `${STARTER}/${installation}/`;
  const named = prefix + owner.replaceAll('.', '_');
  return named.length <= MOST_CHARACTERS ? named : prefix + digest(owner, 16);
}

function readStarter(installation: string, startedBy = ''): { readonly owner?: string } | undefined {
  const prefix = `${STARTER}/${installation}`;
  if (startedBy === prefix) return {};
  if (!startedBy.startsWith(`${prefix}/`)) return undefined;
  return { owner: startedBy.slice(prefix.length + 1).replaceAll('_', '.') };
}

/** Families end in a digest, so that those of installation `a-b` are no families of `a`. */
function isOurFamily(installation: string, { group, taskDefinitionArn = '' }: Task): boolean {
  const families = [familyOf(taskDefinitionArn), group?.replace(/^family:/, '') ?? ''];
  const prefix = `bastion-${installation}-`;
  return families.some(
    (family) => family.startsWith(prefix) && /^[0-9a-f]{16}$/.test(family.slice(prefix.length)),
  );
}
