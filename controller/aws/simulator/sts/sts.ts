import type { Operation, World } from '../world.ts';

/** Simulated STS: who is asking. The simulator accepts every caller as the account's operator. */
export function createSts(world: World): { readonly operations: Readonly<Record<string, Operation>> } {
  return {
    operations: {
      GetCallerIdentity: () => ({
        UserId: 'AROASIMULATEDOPERATOR:operator',
        Account: world.accountId,
        Arn: `arn:aws:sts::${world.accountId}:assumed-role/operator/operator`,
      }),
    },
  };
}
