import type { OracleFactory } from '../oracle.ts';

const WINDOW_MS = 60_000;
/** Several Bastions come up at once with about 300; a loop makes thousands. */
const CALLS = 1_500;

/** AWS is not asked over and over when nothing changes. */
export const noHotLoop: OracleFactory = ({ now, violate }) => {
  let windowStart = 0;
  let calls = 0;
  return {
    name: 'no-hot-loop',
    onCall: ({ target, name }) => {
      if (target !== 'aws') return;
      if (now() - windowStart >= WINDOW_MS) {
        windowStart = now();
        calls = 0;
      }
      calls += 1;
      if (calls === CALLS) violate('no-hot-loop', `${CALLS} calls within a minute, the last one ${name}`);
    },
  };
};
