import { AssumeRoleCommand, type AssumeRoleCommandOutput, STSClient } from '@aws-sdk/client-sts';
import type { Clock } from '../machinery/clock.ts';
import type { Connection } from './clients.ts';
import { explain } from './errors.ts';

export interface AssumeRoleOptions {
  /** As whom to assume it. */
  readonly connection: Connection;
  /** Whose STS to ask: what it gives is good in every region. */
  readonly region: string;
  readonly clock: Clock;
  /** That the role must be of. */
  readonly accountId: string;
  readonly roleArn: string;
  readonly externalId?: string | undefined;
}

type Provider = Extract<Connection['credentials'], (...args: never[]) => unknown>;
type Credentials = Awaited<ReturnType<Provider>>;

/** In CloudTrail of the other account: who it was. */
const SESSION_NAME = 'bastion-operator';
/** What STS gives unless it is asked for another length, counted from when it was asked. */
const SESSION_MS = 3_600_000;
/** Before they end, so that no request is signed with what ends on its way. */
const REFRESH_MS = 5 * 60_000;
/**
 * The SDK asks the provider again for whatever has expired, by the machine's time. When that is, is told here, by the clock
 * that everything else goes by.
 */
const ASK_AGAIN = new Date(0);

/** The other account does not let the controller in, or is another one than configured. */
class AssumeRoleError extends Error {
  override readonly name = 'AssumeRoleError';
}

/** Credentials in another account, for SDK clients: assumed when first needed, and anew before they end. Failures are tried again. */
export function assumeRole(options: AssumeRoleOptions): Provider {
  const { clock } = options;
  /** By the monotonic clock: one that is hours behind would go on with what has ended, and one ahead ask for each call. */
  let known: { readonly credentials: Credentials; readonly untilMs: number } | undefined;
  let asking: Promise<Credentials> | undefined;
  const ask = async () => {
    const askedMs = clock.monotonic();
    const credentials = await askSts(options);
    known = { credentials, untilMs: askedMs + SESSION_MS - REFRESH_MS };
    return credentials;
  };
  return async () => {
    if (known && clock.monotonic() < known.untilMs) return known.credentials;
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

/** @throws AssumeRoleError */
async function askSts({ connection, region, accountId, roleArn, externalId }: AssumeRoleOptions) {
  const sts = new STSClient({ ...connection, region, maxAttempts: 1 });
  const command = new AssumeRoleCommand({
    RoleArn: roleArn,
    RoleSessionName: SESSION_NAME,
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
  });
  try {
    const answer = await sts.send(command).catch((error: unknown) => {
      const todo =
        'check its trust policy, spec.accounts[].externalId and that the controller may sts:AssumeRole';
      throw new AssumeRoleError(`${roleArn} cannot be assumed: ${explain(error)}: ${todo}`, { cause: error });
    });
    return readAnswer(answer, accountId, roleArn);
  } finally {
    sts.destroy();
  }
}

/** @throws AssumeRoleError */
function readAnswer(
  { Credentials, AssumedRoleUser }: AssumeRoleCommandOutput,
  accountId: string,
  roleArn: string,
) {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
  const found = AssumedRoleUser?.Arn?.split(':')[4];
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
    throw new AssumeRoleError(`${roleArn} was assumed, and STS gave no credentials`);
  }
  if (found !== accountId) {
    throw new AssumeRoleError(
      `${roleArn} is of account ${found}, and ${accountId} is configured: correct one of them`,
    );
  }
  return {
    ...{ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
    expiration: ASK_AGAIN,
  };
}
