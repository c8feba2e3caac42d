import type { Bastion } from '../api/bastion.ts';
import { isSamePlace, type Place } from '../api/estate.ts';
import { connect } from '../aws/clients.ts';
import type { LifeOptions, SignOfLife } from '../cli/foundation.ts';
import { KINDS } from '../kinds/index.ts';
import type { Clock } from '../machinery/clock.ts';
import { objectName } from '../machinery/object.ts';
import { findHolder } from '../reconcile/holder.ts';
import { readIdentity } from '../reconcile/identity.ts';
import { findLeftovers } from '../reconcile/leftovers.ts';
import { rememberedPlaces } from '../reconcile/scopes.ts';
import type { Store } from '../store/store.ts';
import type { AwsWorld } from './aws.ts';
import { DEFAULTS } from './config/defaults.ts';
import { openStore } from './store.ts';

export interface SignsOptions extends LifeOptions {
  readonly aws: AwsWorld;
  readonly region: string;
  readonly table: string;
  readonly hasTable: boolean;
  /** The installation that the person names; left out: the one that the table belongs to. */
  readonly asked: string | undefined;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** Everything that would be left alone without a controller. What cannot be looked at counts as alive. */
export async function findSignsOfLife(options: SignsOptions): Promise<readonly SignOfLife[]> {
  const { aws, region, asked } = options;
  const own = { accountId: aws.accountId, region };
  if (!options.hasTable) return signsInPlaces([own], asked ?? DEFAULTS.installation, options);
  const { connection } = aws;
  const opened = await openStore({ ...options, connection, dataDir: '' });
  try {
    const { store } = opened;
    const places = await rememberedPlaces(store);
    const all = [own, ...places.filter((place) => !isSamePlace(place, own))];
    const installation = asked ?? (await readIdentity(store))?.installation ?? DEFAULTS.installation;
    return [
      ...(await signsInStore(store, options)),
      ...(await signsInPlaces(all, installation, options)),
      ...(await signsOfController(store, options)),
    ];
  } finally {
    await opened.close();
  }
}

async function signsInStore(
  store: Store,
  { aws, table, region }: SignsOptions,
): Promise<readonly SignOfLife[]> {
  const { items } = await store.list<Bastion>('bastions');
  const where = `--aws=${aws.address} --region ${region} --table ${table}`;
  return items.map((bastion) => ({
    what: `bastion ${objectName(bastion)} is ${bastion.status?.phase ?? 'Pending'}`,
    advice: `delete the Bastions while a controller still runs: bastionctl delete bastions --all -A ${where}`,
  }));
}

async function signsOfController(
  store: Store,
  { table, clock, tell }: SignsOptions,
): Promise<readonly SignOfLife[]> {
  const wait = (name: string) => tell(`controller ${name} led last: waiting to see whether it still does`);
  const holder = await findHolder({ store, clock, tell: wait });
  if (holder === undefined) return [];
  const advice = 'stop the controllers, for example: aws ecs update-service --desired-count 0';
  return [{ what: `controller ${holder} leads on table ${table}`, advice }];
}

async function signsInPlaces(
  places: readonly Place[],
  installation: string,
  options: SignsOptions,
): Promise<readonly SignOfLife[]> {
  const signs: SignOfLife[] = [];
  for (const place of places) {
    if (options.skipAccounts.includes(place.accountId)) continue;
    options.tell(`looking at ${place.accountId} in ${place.region}`);
    signs.push(...(await signsInPlace(place, installation, options)));
  }
  return signs;
}

async function signsInPlace(
  { accountId, region }: Place,
  installation: string,
  { aws, clock }: SignsOptions,
): Promise<readonly SignOfLife[]> {
  if (accountId !== aws.accountId) {
    const what = `account ${accountId} has held resources in ${region}, and these credentials cannot look there`;
    const advice = `look there for the tag bastion-operator.dev/installation=${installation}; when nothing is left: --skip-account ${accountId}`;
    return [{ what, advice }];
  }
  const scope = { accountId, region, installation };
  const { resources, failures } = await findLeftovers(
    connect({ connection: aws.connection, clock, scope })(),
    KINDS,
  );
  return [
    ...resources.map(({ key, id }) => ({
      what: `${key}${id === key ? '' : ` (${id})`} in ${region}`,
      advice: `a controller takes away what no Bastion needs: start it once more with --installation ${installation}, and run this again`,
    })),
    ...failures.map((failure) => ({
      what: `${region}: ${failure}`,
      advice: 'what cannot be looked at counts as alive: use credentials that may list it',
    })),
  ];
}
