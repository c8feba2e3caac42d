import { type Account, type Place, placeKey } from '../api/estate.ts';
import { assumeRole } from '../aws/assume-role.ts';
import type { Aws } from '../aws/aws.ts';
import { type AwsOptions, type Connection, connect } from '../aws/clients.ts';
import type { Clock } from '../machinery/clock.ts';
import type { AwsWorld } from './aws.ts';

interface PlaceOptions {
  /** As this process itself. */
  readonly aws: Pick<AwsWorld, 'accountId' | 'connection'>;
  /** Of this process: whose STS gives the credentials of other accounts. */
  readonly region: string;
  /** As configured now. */
  readonly accounts: () => readonly Account[];
  readonly installation: string;
  readonly clock: Clock;
  readonly onCall?: AwsOptions['onCall'];
  readonly trace?: AwsOptions['trace'];
}

/** Clients for any account and region, as whoever this process is there. */
export interface PlaceClients {
  /** Of a tenure of its own; call the result once per pass. */
  connect(place: Place, mayCall?: () => boolean): () => Aws;
  /** Shared by all who only read. */
  reader(place: Place): Aws;
}

export function createPlaceClients(options: PlaceOptions): PlaceClients {
  const { aws, accounts, clock, installation } = options;
  const readers = new Map<string, Aws>();
  const roles = new Map<string, Connection>();
  // Regions and tenures share what was assumed. Under another role it is somebody else.
  const roleKey = (account: Account) => `${account.accountId} ${account.roleArn} ${account.externalId}`;
  const assumed = (account: Account, roleArn: string): Connection => {
    const key = roleKey(account);
    const known = roles.get(key) ?? { ...aws.connection, credentials: roleOf(options, account, roleArn) };
    roles.set(key, known);
    return known;
  };
  const accountOf = (place: Place) => accounts().find(({ accountId }) => accountId === place.accountId);
  const connectionTo = (place: Place): Connection => {
    const account = accountOf(place);
    if (account?.roleArn !== undefined) return assumed(account, account.roleArn);
    return place.accountId === aws.accountId ? aws.connection : refused(place, aws);
  };
  const connectTo: PlaceClients['connect'] = (place, mayCall) =>
    connect({
      ...{
        connection: connectionTo(place),
        clock,
        scope: { ...place, installation },
        onCall: options.onCall,
        trace: options.trace,
      },
      ...(mayCall ? { mayCall } : {}),
    });
  return {
    connect: connectTo,
    reader(place) {
      const account = accountOf(place);
      const key = `${placeKey(place)} ${account && roleKey(account)}`;
      const known = readers.get(key) ?? connectTo(place)();
      readers.set(key, known);
      return known;
    },
  };
}

function roleOf({ aws, region, clock }: PlaceOptions, account: Account, roleArn: string) {
  const { accountId, externalId } = account;
  return assumeRole({ connection: aws.connection, region, clock, accountId, roleArn, externalId });
}

/** Fails with each call, so that it is told to the Bastions there and to nobody else. */
function refused({ accountId }: Place, aws: PlaceOptions['aws']): Connection {
  const credentials = async () => {
    const message = `the controller has credentials of account ${aws.accountId}, not of ${accountId}: configure a roleArn for that one`;
    throw Object.assign(new Error(message), { name: 'NoCredentials' });
  };
  return { ...aws.connection, credentials };
}
