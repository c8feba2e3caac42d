import type { OracleFactory } from '../oracle.ts';

const WINDOW_MS = 3 * 60_000;
/** Some are free, then it is asked for ever more seldom; one that is asked for as often as AWS's rates allow makes 54. */
const CALLS = 10;

/** What somebody undoes again and again is not done again and again without a pause. */
export const noTugOfWar: OracleFactory = ({ now, violate }) => {
  const calls = new Map<string, number[]>();
  return {
    name: 'no-tug-of-war',
    onCall: ({ name, input }) => {
      if (name !== 'ec2:ModifyVpcEndpoint') return;
      const id = /VpcEndpointId=([^&]+)/.exec(input)?.[1] ?? input;
      const recent = [...(calls.get(id) ?? []).filter((at) => now() - at < WINDOW_MS), now()];
      calls.set(id, recent);
      if (recent.length > CALLS)
        violate('no-tug-of-war', `${name} ${id}: ${recent.length} times within three minutes`);
    },
  };
};
