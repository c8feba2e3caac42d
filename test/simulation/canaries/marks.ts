import type { Canary } from './canary.ts';

/** Bugs in telling what is ours where a list has other members, another order, or fewer tags than were written. */
export const MARKS: readonly Canary[] = [
  {
    name: 'first-override',
    like: 'this one: the owner of a task was read from the first container override, which GuardDuty had added',
    file: 'kinds/task-marks.ts',
    find: `  const environment = environmentOf(task);
  const tagged = readTags(installation, task.tags);
  const starter = readStarter(installation, task.startedBy);`,
    replace: `  const [first] = task.overrides?.containerOverrides ?? [];
  const environment: Record<string, string> = Object.fromEntries((first?.environment ?? []).map(({ name, value }) => [name, value]));
  if (environment['BASTION_OWNER'] === undefined) return { isOurs: false, environment };
  const tagged = readTags(installation, task.tags);
  const starter = readStarter(installation, task.startedBy);`,
    scenarios: ['create-exec-nat', 'expire-exec-nat', 'several-at-once'],
  },
  {
    name: 'tasks-by-tag-alone',
    like: 'a node controller that finds its instances by one tag, and starts others when somebody edits it',
    file: 'kinds/task-marks.ts',
    find: '  return { isOurs, environment, ...(isOurs',
    replace: '  return { isOurs: tagged.owned, environment, ...(tagged.owned',
    scenarios: ['tags-are-taken'],
  },
  {
    name: 'owner-by-tag-first',
    like: 'a cleaner that believes whatever owner somebody has written on a resource',
    file: 'kinds/task-marks.ts',
    find: '[given, starter?.owner, tagged.owner].find(',
    replace: '[tagged.owner, given, starter?.owner].find(',
    scenarios: ['tags-are-changed'],
  },
  {
    name: 'grants-by-tag-alone',
    like: 'a firewall controller that leaves a rule for ever once its tag is gone',
    file: 'kinds/grant.ts',
    find: 'const isDescribed = owner !== undefined && rule?.Description === descriptionFor(owner);',
    replace: 'const isDescribed = owner === descriptionFor(owner) && rule === undefined;',
    scenarios: ['tags-are-taken'],
  },
  {
    name: 'nodes-by-tag-alone',
    like: 'an inventory that looks for its managed nodes by a tag filter alone',
    file: 'kinds/node-marks.ts',
    find: 'const isOurs = tagged.owned || (hasOurRole &&',
    replace: 'const isOurs = tagged.owned || (hasOurRole && false &&',
    scenarios: ['tags-of-a-node-are-taken'],
  },
  {
    name: 'groups-by-tag-alone',
    like: 'this one: a security group without its tag was made again with every pass, and refused as a duplicate',
    file: 'kinds/group-marks.ts',
    find: '  if (named) return { ...named,',
    replace: '  if (named && tagged.owned) return { ...named,',
    scenarios: ['tags-of-groups-are-taken'],
  },
  {
    name: 'schedules-by-tag-alone',
    like: 'this one: the schedule in a group without its tag was not moved, and ended what had been renewed',
    file: 'kinds/schedule-group.ts',
    find: 'return isTagged || before?.some(isKnown) === true || (await holdsOurSchedule(aws, name));',
    replace: 'return isTagged;',
    scenarios: ['tags-of-the-schedule-group-are-taken'],
  },
  {
    name: 'asks-for-ever',
    like: 'this one: a creation whose result no list showed was repeated with every pass, 579 times',
    file: 'reconcile/reconcile.ts',
    find: 'heldBack(step, before, clock.now()) ?? pausedAfter(step, preview.acceptances, clock.now()),',
    replace: 'heldBack(step, before, clock.now()),',
    scenarios: ['task-is-never-listed'],
  },
  {
    name: 'accepted-and-left',
    like: 'a controller that gives up a machine which it cannot see, and leaves it running',
    file: 'core/never-listed.ts',
    find: 'if (unlisted.length === 0) return snapshot;',
    replace: 'if (unlisted.length >= 0) return snapshot;',
    scenarios: ['task-is-never-listed'],
  },
  {
    name: 'refused-for-everybody',
    like: 'this one: a tag of one team that AWS refused kept every other Bastion of the VPC from being Ready',
    file: 'core/refusals.ts',
    find: 'if (refusals.size === 0) return desired;',
    replace: 'if (refusals.size >= 0) return desired;',
    scenarios: ['refused-tag-in-a-shared-vpc', 'refused-subnet-in-a-shared-vpc'],
  },
  {
    name: 'refused-every-pass',
    like: 'a controller that asks anew at each resync for what was refused',
    file: 'core/refusals.ts',
    find: 'now - since < REMEMBERED_MS',
    replace: 'now - since < REMEMBERED_MS / 1e9',
    scenarios: ['refused-tag-alone'],
  },
  {
    name: 'missed-group-is-another',
    like: 'a controller that replaces a rule when a stale list does not show the group that it lets in',
    file: 'kinds/target-ingress.ts',
    find: 'return taskGroupId === undefined || observed',
    replace: 'return observed',
    scenarios: ['refused-tag-alone'],
  },
];
