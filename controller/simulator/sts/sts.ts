import { AwsFault, type Operation, type World } from '../world.ts';
import type { RoleSessions } from './sessions.ts';

/** Whether a role may be assumed with this external id. */
export type Trust = (roleArn: string, externalId: string | undefined) => boolean;

/** Simulated STS: who is asking. The simulator accepts every caller as the account's operator. */
export function createSts(
  world: World,
  sessions: RoleSessions,
  trust: Trust = () => true,
): { readonly operations: Readonly<Record<string, Operation>> } {
  return {
    operations: {
      GetCallerIdentity: () => ({
        UserId: 'AROASIMULATEDOPERATOR:operator',
        Account: world.accountId,
        Arn: `arn:aws:sts::${world.accountId}:assumed-role/operator/operator`,
      }),
      AssumeRole: (input) => {
        const { RoleArn, RoleSessionName, ExternalId } = input;
        const [, accountId = '', role = ''] =
          /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(String(RoleArn)) ?? [];
        if (!role || !trust(String(RoleArn), ExternalId === undefined ? undefined : String(ExternalId))) {
          const who = `arn:aws:sts::${world.accountId}:assumed-role/operator/operator`;
          const message = `User: ${who} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`;
          throw new AwsFault('AccessDenied', message, 403);
        }
        const { accessKeyId, endsAt } = sessions.issue(accountId, world.now());
        return {
          AssumedRoleUser: {
            AssumedRoleId: `AROASIMULATED:${RoleSessionName}`,
            Arn: `arn:aws:sts::${accountId}:assumed-role/${role}/${RoleSessionName}`,
          },
          Credentials: {
            AccessKeyId: accessKeyId,
            SecretAccessKey: 'simulated',
            SessionToken: 'simulated',
            Expiration: new Date(endsAt).toISOString(),
          },
        };
      },
    },
  };
}
