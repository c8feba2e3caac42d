import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import {
  type Estate,
  isReachable,
  isSamePlace,
  type Place,
  placeKey,
  placeOf,
  placeOfKey,
} from '../api/estate.ts';
import type { PlanPreview, RegionPreview } from '../cli/connection.ts';
import { NO_MEMORY } from '../core/guard.ts';
import { EMPTY_SNAPSHOT } from '../core/snapshot.ts';
import { namedDatabases } from '../core/targets.ts';
import { settingsIn, type Terms } from '../core/terms.ts';
import { KINDS } from '../kinds/index.ts';
import type { Clock } from '../machinery/clock.ts';
import { objectName } from '../machinery/object.ts';
import { ActivationBook } from '../reconcile/activations.ts';
import { readStanding } from '../reconcile/identity.ts';
import { type LookOptions, look } from '../reconcile/look.ts';
import { ScopeMemory } from '../reconcile/scope-memory.ts';
import { rememberedPlaces } from '../reconcile/scopes.ts';
import type { Store } from '../store/store.ts';
import type { PlaceClients } from './place-clients.ts';

export interface PreviewOptions {
  readonly api: ApiClient;
  readonly store: Store;
  /** Of the controller's own credentials. */
  readonly accountId: string;
  readonly clients: PlaceClients;
  readonly clock: Clock;
  readonly defaultRegion: string;
  readonly terms: Pick<Terms, 'settings' | 'shrinkLimit' | 'accounts' | 'sources'>;
}

/** What a pass over every scope would do now, with `overlay` in place of the stored Bastions of the same names. Changes nothing. */
export async function previewPlan(
  options: PreviewOptions,
  overlay: readonly Bastion[] = [],
): Promise<PlanPreview> {
  const { store, accountId, terms } = options;
  const api = withOverlay(options.api, overlay);
  const own = {
    accountId,
    installation: terms.settings.installation,
    region: options.defaultRegion,
  };
  const { defaultRegion, halted } = await readStanding({ api: options.api, store, own });
  const bastions = (await api.bastions.list()).items;
  const estate: Estate = { accountId, defaultRegion, accounts: terms.accounts };
  const named = bastions.flatMap((bastion) => placeOf(estate, bastion.spec) ?? []);
  const remembered = (await rememberedPlaces(store)).filter((place) => isReachable(estate, place));
  const places = [...new Set([...named, ...remembered].map(placeKey))].sort().map(placeOfKey);
  return {
    regions: await Promise.all(
      places.map((place) => previewPlace(place, bastions, { ...options, api, estate, halted })),
    ),
  };
}

async function previewPlace(
  place: Place,
  bastions: readonly Bastion[],
  options: PreviewOptions & Pick<LookOptions, 'halted' | 'estate'>,
): Promise<RegionPreview> {
  const { clients, terms, estate, store, clock } = options;
  const mine = bastions.filter((bastion) => {
    const own = placeOf(estate, bastion.spec);
    return own && isSamePlace(own, place);
  });
  const settings = settingsIn(terms.settings, estate, place);
  const book = new ActivationBook(options.store);
  const { plan, observed, wishes } = await look(
    { snapshot: EMPTY_SNAPSHOT, guard: NO_MEMORY, sequence: 1 },
    {
      ...options,
      scopeMemory: new ScopeMemory({ store, clock, place }),
      settings,
      activations: { correct: (all) => book.correct(all) },
      kinds: KINDS,
      aws: clients.connect(place)(),
      shrinkLimit: terms.shrinkLimit,
      sources: terms.sources,
      refresh: 'all',
      interests: {
        vpcIds: mine.map((bastion) => bastion.spec.network.vpcId),
        hybrid: mine.some((bastion) => bastion.spec.access.transport === 'HybridActivation'),
        databases: namedDatabases(mine),
      },
    },
  );
  const problems = [...wishes.desired.problems].flatMap(([bastion, found]) =>
    found.map(({ reason, message }) => ({ bastion, reason, message })),
  );
  return { ...place, steps: plan.steps, failures: [...observed.failures.values()], problems };
}

function withOverlay(api: ApiClient, overlay: readonly Bastion[]): ApiClient {
  const names = new Set(overlay.map((bastion) => objectName(bastion)));
  const list: ApiClient['bastions']['list'] = async (query) => {
    const { items, resourceVersion } = await api.bastions.list(query);
    const stored = new Map(items.map((bastion) => [objectName(bastion), bastion]));
    const merged = overlay.map((bastion) => withStatus(bastion, stored.get(objectName(bastion))));
    return {
      items: [...items.filter((bastion) => !names.has(objectName(bastion))), ...merged],
      resourceVersion,
    };
  };
  return { ...api, bastions: { ...api.bastions, list } };
}

/** A changed manifest goes on with the life that the stored one has. */
function withStatus(bastion: Bastion, stored: Bastion | undefined): Bastion {
  if (!stored) return bastion;
  const metadata = {
    ...stored.metadata,
    annotations: { ...stored.metadata.annotations, ...bastion.metadata.annotations },
  };
  return { ...bastion, metadata, ...(stored.status ? { status: stored.status } : {}) };
}
