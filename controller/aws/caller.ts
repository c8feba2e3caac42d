import { GetRoleCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Aws } from './aws.ts';
import type { Connection } from './clients.ts';

/** Who asks AWS. */
export interface Caller {
  readonly accountId: string;
  /** As STS tells it: of a user, or of one session of a role. */
  readonly arn: string;
  /** What the policy variable `aws:userid` stands for. */
  readonly userId: string;
}

/** @throws when there are no usable credentials */
export async function readCaller(connection: Connection, region: string): Promise<Caller> {
  const sts = new STSClient({ ...connection, region, maxAttempts: 1 });
  try {
    const { Account, Arn, UserId } = await sts.send(new GetCallerIdentityCommand({}));
    if (!Account || !Arn || !UserId) throw new Error('sts:GetCallerIdentity did not say who asks');
    return { accountId: Account, arn: Arn, userId: UserId };
  } finally {
    sts.destroy();
  }
}

/** Whose policies decide for this caller, as an IAM ARN; undefined for the account's root, whom nothing holds back. */
export async function principalOf(aws: Aws, { arn }: Caller): Promise<string | undefined> {
  const session = /^arn:([\w-]+):sts::(\d+):assumed-role\/([^/]+)\//.exec(arn);
  if (!session) return arn.endsWith(':root') ? undefined : arn;
  const [, partition, accountId, RoleName] = session;
  const atRoot = `arn:${partition}:iam::${accountId}:role/${RoleName}`;
  // A session's ARN leaves out the path that the role's own has.
  const read = aws.iam.send(new GetRoleCommand({ RoleName })).catch(() => undefined);
  return (await read)?.Role?.Arn ?? atRoot;
}
