import type { Struggle } from '../drift.ts';
import type { Scenario } from '../scenario.ts';
import { becomesReady, MINUTE, OVER_ENDPOINTS } from './steps.ts';

/** Somebody undoes what the controller does, each time it does it: it goes on ever more seldom, and says so. */
export const STRUGGLES: readonly Scenario[] = [
  struggleOver('how endpoints are', 'ec2:ModifyVpcEndpoint'),
  struggleOver('tags', 'ec2:CreateTags'),
  struggleOver('vpc-endpoint', 'ec2:CreateVpcEndpoint'),
  struggleOver('security-group', 'ec2:AuthorizeSecurityGroupEgress'),
  struggleOver('target-ingress', 'ec2:AuthorizeSecurityGroupIngress'),
  struggleOver('iam-role', 'iam:AttachRolePolicy'),
  struggleOver('task', 'ecs:RunTask'),
];

function struggleOver(what: Struggle, operation: string): Scenario {
  return {
    name: `somebody-undoes-each-${what.replaceAll(' ', '-')}`,
    isTroubleEnough: true,
    play: async (world) => {
      await world.apply('orders', { ...OVER_ENDPOINTS, tags: { Cost: 'orders' } });
      await becomesReady(world, 'orders');
      const callsOf = () =>
        world.simulator.calls
          .list()
          .filter(({ service, operation: one }) => `${service}:${one}` === operation);
      const before = callsOf().length;
      let isTold = false;
      await world.undo(what, 20 * MINUTE, () => {
        const { conditions = [] } = world.bastions.get('default/orders')?.status ?? {};
        isTold ||= conditions.some(({ message }) => message.includes('keeps being undone'));
      });
      const calls = callsOf().length - before;
      if (calls === 0) world.violate('isolated', `nobody puts it right: ${what}`);
      // Where each change takes AWS a while, or is seen late, there are too few of them to be told of.
      const things = world
        .ours()
        .filter(
          ({ kind }) => what === 'tags' || kind === (what === 'how endpoints are' ? 'vpc-endpoint' : what),
        );
      if (!isTold && calls > 8 * Math.max(1, things.length))
        world.violate('told', `nobody says that it keeps being undone: ${what}`);
      await becomesReady(world, 'orders');
    },
  };
}
