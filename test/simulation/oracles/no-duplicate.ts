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

/** Long enough for the next passes to take a second one away. */
const LASTING_MS = 240_000;
/** What opens nothing and costs nothing is looked at once an hour: that is how long a change of it by hand can go unseen. */
const UNSEEN_MS = 3_700_000;
/** Several of these may share a key. */
const MANY = ['session', 'task-definition'];

/** At most one live resource a key. */
export const noDuplicate: OracleFactory = ({ now, things, troubledUntil, wasTampered, violate }) => {
  let alone = now();
  return {
    name: 'no-duplicate',
    onTick: () => {
      const seen = new Map<string, string>();
      let double: string | undefined;
      for (const { kind, key, id, isOurs, isLive } of things()) {
        if (!isOurs || !isLive || MANY.includes(kind)) continue;
        const other = seen.get(`${kind} ${key}`);
        if (other !== undefined) double = `${kind} ${key} is both ${other} and ${id}`;
        seen.set(`${kind} ${key}`, id);
      }
      const lasting = wasTampered() ? UNSEEN_MS : LASTING_MS;
      if (double === undefined) alone = now();
      else if (now() - Math.max(alone, troubledUntil()) > lasting)
        violate('no-duplicate', `${double}, for minutes`);
    },
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
  };
};
