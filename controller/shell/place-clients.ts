import type { Clock } from '../api/clock.ts';
import type { Account, Place } from '../api/estate.ts';
import { type Aws, type Connection, connect } from '../aws/clients.ts';

export interface PlaceOptions {
  /** With the credentials of the controller itself. */
  readonly connection: Connection;
  /** Whose credentials those are. */
  readonly accountId: string;
  readonly accounts: readonly Account[];
  readonly installation: string;
  readonly clock: Clock;
  readonly mayCall?: () => boolean;
}

/** Clients for one account and region, as whoever the controller is there. */
export function connectPlace(options: PlaceOptions, place: Place): () => Aws {
  const { connection, clock, installation, mayCall } = options;
  const fence = mayCall ? { mayCall } : {};
  return connect({ connection, clock, scope: { ...place, installation }, ...fence });
}
