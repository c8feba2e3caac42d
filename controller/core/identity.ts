import type { Bastion } from '../api/bastion.ts';
import type { Trip } from '../api/guard.ts';

/** Whose Bastions a store holds: resources are found in this account, by the tag of this installation. */
export interface Identity {
  readonly accountId: string;
  readonly installation: string;
  /** Of Bastions that name none. */
  readonly region: string;
}

/**
 * Why a controller that runs as `own` must not act as it was told on a store that `recorded` belongs to. In another account or
 * installation none of our resources can be told: a Bastion's would look gone, its successors be made in the wrong place, and its
 * teardown be taken for done. So nothing is changed there at all, and a TTL that runs out meanwhile is left to the dead-man
 * timer of the task. In another default region only the meaning of a Bastion that names none is in doubt; it keeps the old
 * one, and everything else goes on, TTLs included.
 */
export function identityTrip(
  recorded: Identity,
  own: Identity,
  bastions: readonly Bastion[],
): Trip | undefined {
  if (recorded.accountId !== own.accountId) return wrongAccount(recorded, own, bastions);
  if (recorded.installation !== own.installation) return wrongInstallation(recorded, own, bastions);
  return recorded.region === own.region ? undefined : wrongRegion(recorded, own, bastions);
}

/** Whether nothing at all may be changed; the others leave most things as they are. */
export function isHalting({ reason }: Pick<Trip, 'reason'>): boolean {
  return reason === 'WrongAccount' || reason === 'WrongInstallation';
}

function wrongAccount(recorded: Identity, own: Identity, bastions: readonly Bastion[]): Trip {
  return {
    reason: 'WrongAccount',
    message:
      `The store belongs to account ${recorded.accountId} and this controller has credentials of ${own.accountId}. Nothing is ` +
      `changed in AWS, and no TTL can be kept; ${heldText(bastions)} in ${recorded.accountId}. ` +
      `Start it with the credentials, or the --table, that go together.`,
    effect: `Makes account ${own.accountId} this store's${others(recorded, own)}: what is left in ${recorded.accountId} is forgotten, and stays there.`,
    withheld: differences(recorded, own),
  };
}

function wrongInstallation(recorded: Identity, own: Identity, bastions: readonly Bastion[]): Trip {
  return {
    reason: 'WrongInstallation',
    message:
      `The store belongs to --installation ${recorded.installation} and this controller runs as ${own.installation}. Nothing is ` +
      `changed in AWS, and no TTL can be kept; ${heldText(bastions)} of ${recorded.installation}. ` +
      `Start it with --installation ${recorded.installation}, and end these first if the name shall change.`,
    effect:
      `Makes this store ${own.installation}'s${others(recorded, own)}: what is left of ${recorded.installation} in AWS is forgotten, and stays there. ` +
      `End it first with a controller of --installation ${recorded.installation}.`,
    withheld: differences(recorded, own),
  };
}

function wrongRegion(recorded: Identity, own: Identity, bastions: readonly Bastion[]): Trip {
  const count = bastions.filter(({ spec }) => spec.region === undefined).length;
  return {
    reason: 'WrongRegion',
    message:
      `Bastions that name no region are in ${recorded.region}, and this controller was started with --region ${own.region}. They stay in ` +
      `${recorded.region} (${plural(count, 'Bastion')}), new ones too; their TTLs go on. Start it with --region ${recorded.region}, ` +
      `or write spec.region into them.`,
    effect: `Makes ${own.region} the region of Bastions that name none: ${plural(count, 'Bastion')} torn down in ${recorded.region} and opened there.`,
    withheld: differences(recorded, own),
  };
}

function heldText(bastions: readonly Bastion[]): string {
  const count = bastions.filter(({ status }) => (status?.resources ?? []).length > 0).length;
  return `${plural(count, 'Bastion')} ${count === 1 ? 'holds' : 'hold'} resources`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A confirmation takes everything over in which the two differ, so it says so. */
function others(recorded: Identity, own: Identity): string {
  return differences(recorded, own)
    .slice(1)
    .map((difference) => `, and ${difference}`)
    .join('');
}

function differences(recorded: Identity, own: Identity): string[] {
  const pairs = [
    ['account', recorded.accountId, own.accountId],
    ['installation', recorded.installation, own.installation],
    ['region', recorded.region, own.region],
  ] as const;
  return pairs.filter(([, from, to]) => from !== to).map(([what, from, to]) => `${what} ${from} -> ${to}`);
}
