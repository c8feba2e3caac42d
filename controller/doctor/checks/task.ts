import { keyFor } from '../../core/key.ts';
import type { Observed } from '../../core/resource.ts';
import { imageProblems } from '../../kinds/image.ts';
import { KINDS } from '../../kinds/index.ts';
import { imageOf } from '../../kinds/task-content.ts';
import { objectName } from '../../machinery/object.ts';
import { type Check, ok, problem, type Result, skipped, warning } from '../check.ts';
import type { Picture } from '../picture.ts';
import { absent, pathOf } from './common.ts';

const group = 'Task';
const after = ['region', 'vpc-exists', 'subnets-exist', 'subnets-in-vpc'];

export const TASK_CHECKS: readonly Check[] = [
  { name: 'image', group, needs: ['network'], after, run: (picture) => [image(picture)] },
  {
    name: 'task',
    group,
    needs: ['tasks', 'endpoints', 'groups', 'network'],
    run: (picture) => [task(picture)],
  },
  {
    name: 'agent',
    group,
    needs: ['tasks', 'nodes', 'endpoints', 'groups', 'network'],
    after: ['task'],
    run: agent,
  },
];

function image({ claim, facts, settings, ...picture }: Picture): Result {
  const name = imageOf(claim, facts, settings);
  const [fault] = imageProblems(claim, facts, settings);
  const registry = `${facts.accountId}.dkr.ecr.${facts.region}.amazonaws.com`;
  if (fault) {
    const found = name.startsWith('public.ecr.aws/')
      ? `${name}: ECR Public has no endpoints, so it cannot be pulled without a NAT route`
      : fault.message.replace(/: push it to .*$/, '');
    return problem(
      found,
      `spec.task.image: ${registry}/REPOSITORY:TAG, pushed there; or a NAT route and spec.network.path: Nat`,
    );
  }
  const account = /^(\d{12})\.dkr\.ecr\./.exec(name)?.[1];
  if (account !== undefined && account !== facts.accountId) {
    const fix = `aws ecr get-repository-policy --registry-id ${account} --repository-name REPOSITORY; it has to allow ${facts.accountId} to pull`;
    return warning(`${name} is another account's: its repository has to let this account pull`, fix);
  }
  const way = pathOf({ claim, facts, settings, ...picture }) === 'Nat' ? 'through NAT' : 'over the endpoints';
  return ok(`${name} can be reached ${way}; that the tag exists shows when the task starts`);
}

function diagnosis(picture: Picture, observed: Observed): string {
  const kind = KINDS.find(({ name }) => name === observed.kind);
  const { claim, facts, lookup, now } = picture;
  return kind?.diagnose?.(observed, { claim, facts, lookup, now }) ?? observed.message ?? observed.state;
}

function logs({ bastion }: Picture): string {
  return `bastionctl describe bastion ${bastion.metadata.name}; its logs: kubectl logs ${bastion.metadata.name}`;
}

function task(picture: Picture): Result {
  const key = keyFor.task(objectName(picture.bastion));
  const found = picture.lookup(key);
  if (picture.life.state !== 'active') return skipped('the Bastion is not open');
  if (!found) return stoppedBefore(picture) ?? absent(picture, key, 'the task');
  switch (found.state) {
    case 'ready':
      return ok(`${shortId(found.id)} is running`);
    case 'pending':
      return (found.detail as { lastStatus?: string }).lastStatus === 'RUNNING'
        ? ok(`${shortId(found.id)} is running`)
        : warning(`${shortId(found.id)}: ${found.message}`, 'wait: a task takes about a minute to start');
    default:
      return problem(`${shortId(found.id)}: ${diagnosis(picture, found)}`, logs(picture));
  }
}

/** AWS forgets a stopped task after an hour; the record does not. */
function stoppedBefore(picture: Picture): Result | undefined {
  const record = picture.bastion.status?.task;
  if (!record?.failures || record.lastStoppedReason === undefined) return undefined;
  return problem(`no task runs; the last one stopped: ${record.lastStoppedReason}`, logs(picture));
}

function shortId(arn: string): string {
  return `task ${arn.slice(arn.lastIndexOf('/') + 1)}`;
}

function agent(picture: Picture): readonly Result[] {
  const { bastion, lookup, life } = picture;
  const owner = objectName(bastion);
  const hybrid = bastion.spec.access.transport === 'HybridActivation';
  const running = lookup(keyFor.task(owner));
  if (life.state !== 'active') return [skipped('the Bastion is not open')];
  if (!running || running.state === 'gone') return [ok('connects when the task has started')];
  const found = hybrid ? lookup(keyFor.managedInstance(owner)) : running;
  if (found?.state === 'ready') return [ok(`connected: ${found.sessionTarget ?? found.id}`)];
  if (isStarting(running, picture)) return [warning('not connected yet', 'wait: it takes a few seconds')];
  const why = found ? diagnosis(picture, found) : 'no managed node has registered';
  return [
    problem(
      `the agent is not connected: ${why.replace(/^the Exec agent is not connected: /, '')}`,
      logs(picture),
    ),
  ];
}

const PATIENCE_MS = 60_000;

function isStarting({ detail }: Observed, { now }: Picture): boolean {
  const { lastStatus, startedAt } = detail as { lastStatus?: string; startedAt?: number };
  return lastStatus !== 'RUNNING' || now - (startedAt ?? now) < PATIENCE_MS;
}
