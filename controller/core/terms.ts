import { type Account, accountOf, type Estate, type Place } from '../api/estate.ts';
import type { Settings } from './resource.ts';

/** What the flags and the configuration say now. */
export interface Terms {
  /** Of Bastions anywhere; see `settingsIn`. */
  readonly settings: Settings;
  readonly shrinkLimit: number;
  /** The guards of the git sources that there are. */
  readonly sourceGuards: readonly string[];
  /** These git sources, as Bastions name them; left out where nobody knows. */
  readonly sources?: readonly string[] | undefined;
  /** Those that have a name. */
  readonly accounts: readonly Account[];
}

/** What holds in one account and region. */
export function settingsIn(settings: Settings, estate: Estate, place: Place): Settings {
  const account = accountOf(estate, place);
  if (!account) return settings;
  const region = account.regions?.find(({ name }) => name === place.region);
  const image = region?.image ?? account.image ?? settings.image;
  if (!account.regions || region) return { ...settings, image };
  const allowed = account.regions.map(({ name }) => name).join(', ');
  const closed = `account ${account.name} has no Bastions in ${place.region}: the configuration of the controller allows ${allowed}`;
  return { ...settings, image, closed };
}
