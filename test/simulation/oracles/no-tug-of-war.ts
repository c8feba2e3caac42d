import type { OracleFactory } from '../oracle.ts';

const WINDOW_MS = 3 * 60_000;
/**
 * Some are free, then it is asked for ever more seldom; those are counted too that AWS refuses while a predecessor still goes. What
 * is asked for as often as AWS's rates allow makes 54.
 */
const CALLS = 20;
/** Nothing refuses these: the pauses alone hold them back. */
const MODIFICATIONS = 10;
const MODIFY = 'ec2:ModifyVpcEndpoint';
/** What takes access away is tried as often as it takes. */
const CLOSING = /:(Terminate|Stop|Revoke|Delete|Deregister|Detach)/;
/** Makes two calls differ that ask for the same. */
const TOKENS = /(client_?token=)[^&]*|("client_?token":)"[^"]*"/gi;

/** What somebody undoes again and again is not done again and again without a pause. */
export const noTugOfWar: OracleFactory = ({ now, violate }) => {
  const calls = new Map<string, number[]>();
  return {
    name: 'no-tug-of-war',
    onAttempt: ({ target, name, input }) => {
      if (target !== 'aws' || CLOSING.test(name)) return;
      const what = `${name} ${subjectOf(name, input)}`;
      const recent = [...(calls.get(what) ?? []).filter((at) => now() - at < WINDOW_MS), now()];
      calls.set(what, recent);
      if (recent.length > (name === MODIFY ? MODIFICATIONS : CALLS))
        violate('no-tug-of-war', `${what}: ${recent.length} times within three minutes`);
    },
  };
};

/** An endpoint may be asked for otherwise each time, as somebody undoes it otherwise. */
function subjectOf(name: string, input: string): string {
  if (name === MODIFY) return /VpcEndpointId=([^&]+)/.exec(input)?.[1] ?? input;
  return input.replace(TOKENS, '');
}
