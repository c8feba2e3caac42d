import { StopTaskCommand, type Task } from '@aws-sdk/client-ecs';
import type { Bastion } from '../api/bastion.ts';
import type { Aws, Scope } from '../aws/aws.ts';
import { unlessGone } from '../aws/errors.ts';
import { keyFor, nameFor, partitionOf } from '../core/key.ts';
import type { Observed } from '../core/resource.ts';
import { objectName } from '../machinery/object.ts';
import type { EntranceDefinition } from './kind.ts';
import { OUR_STOP, type TaskDetail } from './task-state.ts';

/** Stopping a task ends every session on it, too. */
export const taskEntrance: EntranceDefinition<TaskDetail> = {
  recall(bastion, scope) {
    const prefix = `${arnPrefixOf(scope)}${nameFor.cluster(scope.installation)}/`;
    const recorded = (bastion.status?.resources ?? []).filter(({ kind }) => kind === 'task');
    return recorded.flatMap(({ id = '', state }) =>
      id.startsWith(prefix) && state !== 'Deleted' ? [recalledTask(bastion, id)] : [],
    );
  },
  /** Nothing runs in our cluster but what this installation has started, and `recall` names nothing that lies elsewhere. */
  isOurs: async () => true,
  async close(aws, known) {
    const stopped = await stopTask(aws, known.id);
    // AWS answers with a task that has long ended, too.
    return !stopped || stopped.lastStatus === 'STOPPED' ? [] : [{ ...known, state: 'deleting' }];
  },
};

/** Undefined when AWS does not know it any more. */
export async function stopTask(aws: Aws, arn: string): Promise<Task | undefined> {
  const cluster = nameFor.cluster(aws.scope.installation);
  const stop = new StopTaskCommand({ cluster, task: arn, reason: OUR_STOP });
  const answer = await unlessGone(() => aws.ecs.send(stop));
  return answer && (answer.task ?? { taskArn: arn });
}

function arnPrefixOf({ accountId, region }: Scope): string {
  return `arn:${partitionOf(region)}:ecs:${region}:${accountId}:task/`;
}

function recalledTask(bastion: Bastion, id: string): Observed<TaskDetail> {
  const owner = objectName(bastion);
  const detail: TaskDetail = { family: '', tags: {}, isTagged: true, exec: false, lastStatus: 'UNKNOWN' };
  return { kind: 'task', key: keyFor.task(owner), id, owned: true, state: 'ready', owner, uses: [], detail };
}
