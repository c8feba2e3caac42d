import type { Bastion } from './bastion.ts';

/** Where resources are: one account and region, which get a pass together. */
export interface Place {
  readonly accountId: string;
  readonly region: string;
}

/** Private subnets for Bastions that name none. */
export interface DefaultNetwork {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
}

/** What holds for one region of an account. */
export interface RegionTerms {
  readonly name: string;
  readonly network?: DefaultNetwork | undefined;
  /** Of Bastions that name none; goes before the account's. */
  readonly image?: string | undefined;
}

/** An account that Bastions may be in. */
export interface Account {
  /** What `spec.account` says. */
  readonly name: string;
  readonly accountId: string;
  /** Assumed to act there; left out: the controller's own credentials. */
  readonly roleArn?: string | undefined;
  readonly externalId?: string | undefined;
  /** Of Bastions that name none; goes before the controller's. */
  readonly image?: string | undefined;
  /** Where Bastions may be opened; left out: everywhere. */
  readonly regions?: readonly RegionTerms[] | undefined;
}

/** Every account and region that a controller looks after, as it was configured last. */
export interface Estate {
  /** Of the controller's own credentials, and of Bastions that name none. */
  readonly accountId: string;
  /** Of Bastions that name none. */
  readonly defaultRegion: string;
  /** Those that have a name; the controller's own may be among them. */
  readonly accounts: readonly Account[];
}

/** Where a Bastion is, or should be. Undefined when nobody knows the account it names. */
export function placeOf(
  { accountId, defaultRegion, accounts }: Estate,
  spec: Pick<Bastion['spec'], 'account' | 'region'>,
): Place | undefined {
  const region = spec.region ?? defaultRegion;
  if (spec.account === undefined) return { accountId, region };
  const account = accounts.find(({ name }) => name === spec.account);
  return account && { accountId: account.accountId, region };
}

export function placeKey({ accountId, region }: Place): string {
  return `${accountId}.${region}`;
}

/** The inverse of `placeKey`. */
export function placeOfKey(key: string): Place {
  const [accountId = '', region = ''] = key.split('.');
  return { accountId, region };
}

export function isSamePlace(a: Place, b: Place): boolean {
  return a.accountId === b.accountId && a.region === b.region;
}

/** What is configured for the account of a place; undefined when nothing is. */
export function accountOf({ accounts }: Estate, { accountId }: Place): Account | undefined {
  return accounts.find((account) => account.accountId === accountId);
}

/** Whether the controller has a way to act there. */
export function isReachable(estate: Estate, { accountId }: Place): boolean {
  return accountId === estate.accountId || estate.accounts.some((account) => account.accountId === accountId);
}

export function unknownAccount({ accounts }: Estate, name: string): string {
  const known = accounts.map((account) => account.name).join(', ');
  const allowed = known === '' ? 'none: the configuration of the controller lists no account' : known;
  return `found "${name}", allowed: ${allowed}`;
}
