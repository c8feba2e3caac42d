import { DeregisterManagedInstanceCommand, type InstanceInformation } from '@aws-sdk/client-ssm';
import { unlessGone } from '../aws/errors.ts';
import { keyFor } from '../core/key.ts';
import type { Observed } from '../core/resource.ts';
import { SAME } from '../core/resource.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import { defineKind } from './kind.ts';
import { findNode, nodeMarks } from './node-marks.ts';
import { hindranceTo } from './task-diagnosis.ts';

interface Detail {
  readonly pingStatus: string;
  readonly registeredAt: number;
}

/** The managed node (`mi-…`) that a HybridActivation task registers itself as, and that only we deregister. */
export const managedInstance = defineKind<null, Detail>({
  name: 'managed-instance',
  condition: 'IdentityReady',
  leavesAfter: ['task'],
  desire({ bastion }) {
    if (bastion.spec.access.transport !== 'HybridActivation') return [];
    const owner = objectName(bastion);
    const key = keyFor.managedInstance(owner);
    return [
      { kind: 'managed-instance', key, spec: null, needs: [], tags: {}, shared: false, external: 'required' },
    ];
  },
  diff: () => SAME,
  diagnose(observed, context) {
    if (observed.state !== 'pending') return undefined;
    const hindrance = hindranceTo('ssm', context) ?? hindranceTo('ssmmessages', context);
    return hindrance && `${observed.message}: ${hindrance.text}`;
  },
  /** The node's tags come from its activation and are in no list; an owner once read does not change. */
  async list(aws, before) {
    const nodes = await aws.reads.ownNodes();
    const known = new Map((before ?? []).map((resource) => [resource.id, resource.owner]));
    const found: Observed<Detail>[] = [];
    for (const node of nodes) {
      const id = node.InstanceId ?? '';
      const owner = known.get(id);
      const { isOurs, ...rest } = owner ? { isOurs: true, owner } : await nodeMarks(aws, node);
      if (isOurs) found.push(observe(node, id, rest.owner));
    }
    return withoutFormer(found);
  },
  async remove(aws, observed) {
    const node = await findNode(aws, observed.id);
    if (!node || !(await nodeMarks(aws, node)).isOurs) return 'gone';
    await unlessGone(() => aws.ssm.send(new DeregisterManagedInstanceCommand({ InstanceId: observed.id })));
    return 'gone';
  },
});

/**
 * A Bastion has one task at a time, so only its latest node can be alive. Systems Manager calls the others online for
 * minutes after their task ended; preferring one of those would deregister the node that people use.
 */
function withoutFormer(nodes: readonly Observed<Detail>[]): Observed<Detail>[] {
  const latest = new Map<string, number>();
  for (const { key, detail } of nodes) latest.set(key, Math.max(latest.get(key) ?? 0, detail.registeredAt));
  return nodes.map((node) => {
    if (node.detail.registeredAt === latest.get(node.key)) return node;
    const { sessionTarget: _, ...former } = node;
    return { ...former, state: 'failed', message: 'the node of an earlier task' };
  });
}

function observe(node: InstanceInformation, id: string, owner: ObjectName | undefined): Observed<Detail> {
  const online = node.PingStatus === 'Online';
  return {
    kind: 'managed-instance',
    key: keyFor.managedInstance(owner ?? `unknown/${id}`),
    id,
    owned: true,
    state: online ? 'ready' : 'pending',
    ...(owner ? { owner } : {}),
    uses: [keyFor.role('ssm-service')],
    message: `agent is ${node.PingStatus ?? 'not connected'}`,
    ...(online ? { sessionTarget: id } : {}),
    detail: { pingStatus: node.PingStatus ?? '', registeredAt: node.RegistrationDate?.getTime() ?? 0 },
  };
}
