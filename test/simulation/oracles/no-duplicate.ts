import type { OracleFactory } from '../oracle.ts';

/** What AWS itself keeps from being made twice, by name or by client token. Of the others the next passes take the second away. */
const SINGLE = [
  'security-group',
  'vpc-endpoint',
  'iam-role',
  'task',
  'parameter',
  'target-ingress',
  'ecs-cluster',
];

/** At most one live resource a key. */
export const noDuplicate: OracleFactory = ({ things, violate }) => ({
  name: 'no-duplicate',
  aroundEffect: (call, service) => () => {
    const seen = new Map<string, string>();
    for (const { kind, key, id, isOurs, isLive } of things(service)) {
      if (!isOurs || !isLive || !SINGLE.includes(kind)) continue;
      const name = `${kind} ${key}`;
      const other = seen.get(name);
      if (other !== undefined) violate('no-duplicate', `${call.name}: ${name} is both ${other} and ${id}`);
      seen.set(name, id);
    }
  },
});
