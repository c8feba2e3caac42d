import {
  type DescribeSessionsRequest,
  paginateDescribeSessions,
  type Session,
  TerminateSessionCommand,
} from '@aws-sdk/client-ssm';
import type { Aws } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { describeTasks } from '../aws/tasks.ts';
import { keyFor, nameFor } from '../core/key.ts';
import type { Observed } from '../core/resource.ts';
import { SAME } from '../core/resource.ts';
import { rfc3339 } from '../machinery/clock.ts';
import { defineKind } from './kind.ts';
import { nodeMarks } from './node-marks.ts';
import { marksOf } from './task-marks.ts';

interface Detail {
  readonly owner: string;
  readonly startedAt?: number;
}

/**
 * People's open sessions. Nobody creates them here, but they outlive the credentials they were opened with (aws-facts 10), so
 * at the end of a Bastion's life they are ended like everything else.
 */
export const session = defineKind<null, Detail>({
  name: 'session',
  condition: 'Ready',
  // A session can only hold something open on a task that runs; when nothing is to end, nobody needs to know of it.
  inert: true,
  many: true,
  desire({ bastion }) {
    const target = bastion.status?.sessionTarget;
    if (!target) return [];
    const key = keyFor.session(target);
    return [{ kind: 'session', key, spec: null, needs: [], tags: {}, shared: false, external: 'optional' }];
  },
  diff: () => SAME,
  async list(aws, _before, endedSince) {
    const sessions = await aws.reads.activeSessions();
    // After the open ones: a session that ends meanwhile must show in one of the two.
    const ended = endedSince === undefined ? [] : await listEnded(aws, endedSince);
    const targets = sessions.flatMap(({ Target }) => Target ?? []);
    const ours = new Set([...(await ownTasks(aws, targets)), ...(await ownNodes(aws, targets))]);
    return [...sessions.filter(({ Target = '' }) => ours.has(Target)).flatMap(observe), ...ended];
  },
  async remove(aws, observed) {
    await terminate(aws, observed);
    return 'gone';
  },
  entrance: {
    /** Which sessions there are on it nobody knows before AWS is asked: their target stands for all of them. */
    recall({ status }, { installation }) {
      const target = status?.sessionTarget ?? '';
      const isOurs = target.startsWith(`ecs:${nameFor.cluster(installation)}_`) || target.startsWith('mi-');
      return isOurs ? [anyOn(target)] : [];
    },
    /** A task in our cluster is ours; a node may be anybody's. */
    isOurs: async (aws, { id }) => !id.startsWith('mi-') || (await ownNodes(aws, [id])).length > 0,
    async close(aws, known) {
      if (!isAnyOn(known)) return [await terminate(aws, known)];
      const sessions = await aws.reads.activeSessions();
      const open = sessions.filter(({ Target }) => Target === known.id).flatMap(observe);
      return Promise.all(open.map((one) => terminate(aws, one)));
    },
  },
});

/** Stands for whatever sessions there are on a target. */
function anyOn(target: string): Observed<Detail> {
  const key = keyFor.session(target);
  return { kind: 'session', key, id: target, owned: true, state: 'ready', uses: [], detail: { owner: '' } };
}

function isAnyOn({ key, id }: Observed): boolean {
  return key === keyFor.session(id);
}

async function terminate(aws: Aws, observed: Observed<Detail>): Promise<Observed<Detail>> {
  await unlessGone(() => aws.ssm.send(new TerminateSessionCommand({ SessionId: observed.id })));
  return { ...observed, state: 'gone' };
}

async function listSessions(aws: Aws, request: DescribeSessionsRequest): Promise<Session[]> {
  const pages = paginateDescribeSessions({ client: aws.ssm, pageSize: 200 }, request);
  return collect(pages, (page) => page.Sessions);
}

/**
 * They only tell that something was used, and nothing is done to them: so whether their target, which may be gone, was ours is not
 * asked.
 */
async function listEnded(aws: Aws, since: number): Promise<Observed<Detail>[]> {
  const Filters = [{ key: 'InvokedAfter' as const, value: rfc3339(since) }];
  const sessions = await listSessions(aws, { State: 'History', Filters });
  const prefix = `ecs:${nameFor.cluster(aws.scope.installation)}_`;
  const isLikeOurs = ({ Target = '' }: Session) => Target.startsWith(prefix) || Target.startsWith('mi-');
  return sessions.filter(isLikeOurs).flatMap((session) => observe(session).map((one) => over(one, session)));
}

function over(observed: Observed<Detail>, { StartDate, EndDate }: Session): Observed<Detail> {
  const startedAt = StartDate?.getTime() ?? 0;
  const at = EndDate?.getTime() ?? startedAt;
  return { ...observed, owned: false, state: 'gone', end: { at, ranMs: at - startedAt, failed: false } };
}

/*
 * Sessions carry no tags: one is ours to end when its target is ours, by any of its marks. The cluster's name decides nothing,
 * since anybody may have one of our name.
 */

/** Of targets `ecs:<cluster>_<task>_<runtime>` those whose task is ours. */
async function ownTasks(aws: Aws, targets: readonly string[]): Promise<string[]> {
  const cluster = nameFor.cluster(aws.scope.installation);
  const prefix = `ecs:${cluster}_`;
  const candidates = targets.filter((target) => target.startsWith(prefix));
  const idOf = (target: string) => target.slice(prefix.length).split('_')[0] ?? '';
  const ids = [...new Set(candidates.map(idOf))];
  const tasks = (await unlessGone(() => describeTasks(aws.ecs, cluster, ids))) ?? [];
  const owned = tasks.filter((task) => marksOf(aws.scope, task).isOurs);
  const ours = new Set(owned.map(({ taskArn = '' }) => taskArn.slice(taskArn.lastIndexOf('/') + 1)));
  return candidates.filter((target) => ours.has(idOf(target)));
}

/** Of targets `mi-…` those whose node is ours; the filter of the list only narrows what is looked at. */
async function ownNodes(aws: Aws, targets: readonly string[]): Promise<string[]> {
  if (!targets.some((target) => target.startsWith('mi-'))) return [];
  const nodes = await aws.reads.ownNodes();
  const ours: string[] = [];
  for (const id of new Set(targets)) {
    const node = nodes.find(({ InstanceId }) => InstanceId === id);
    if (node && (await nodeMarks(aws, node)).isOurs) ours.push(id);
  }
  return ours;
}

function observe({
  Target: target,
  SessionId: id,
  Owner: owner = '',
  StartDate,
}: Session): Observed<Detail>[] {
  if (!id || !target) return [];
  const detail = { owner, ...(StartDate ? { startedAt: StartDate.getTime() } : {}) };
  return [
    { kind: 'session', key: keyFor.session(target), id, owned: true, state: 'ready', uses: [], detail },
  ];
}
