import { paginateDescribeSessions, type Session, TerminateSessionCommand } from '@aws-sdk/client-ssm';
import type { Aws } from '../aws/clients.ts';
import { unlessGone } from '../aws/errors.ts';
import { collect } from '../aws/reads.ts';
import { keyFor, nameFor } from '../core/key.ts';
import type { Observed } from '../core/resource.ts';
import { SAME } from '../core/resource.ts';
import { defineKind } from './kind.ts';

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
  async list(aws) {
    const pages = paginateDescribeSessions({ client: aws.ssm, pageSize: 200 }, { State: 'Active' });
    const sessions = await collect(pages, (page) => page.Sessions);
    const cluster = `ecs:${nameFor.cluster(aws.scope.installation)}_`;
    const nodes = new Set(sessions.some((one) => one.Target?.startsWith('mi-')) ? await nodeIds(aws) : []);
    return sessions
      .filter(({ Target = '' }) => Target.startsWith(cluster) || nodes.has(Target))
      .flatMap(observe);
  },
  async remove(aws, observed) {
    await unlessGone(() => aws.ssm.send(new TerminateSessionCommand({ SessionId: observed.id })));
    return 'gone';
  },
});

/** Sessions carry no tags: one is ours to end when its target is ours. */
async function nodeIds(aws: Aws): Promise<string[]> {
  return (await aws.reads.ownNodes()).flatMap((node) => node.InstanceId ?? []);
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
