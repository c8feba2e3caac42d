import type { OracleFactory } from '../oracle.ts';

/** Activation codes show nowhere but in their parameter. */
export const noSecret: OracleFactory = ({ secrets, violate }) => ({
  name: 'no-secret',
  onOutput: (text) => {
    for (const secret of secrets) {
      if (text.includes(secret))
        violate('no-secret', `an activation code was written out: ${text.slice(0, 200)}`);
    }
  },
});
