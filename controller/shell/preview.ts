import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import type { Clock } from '../api/clock.ts';
import { objectName } from '../api/object.ts';
import { connect } from '../aws/clients.ts';
import type { PlanPreview, RegionPreview } from '../cli/connection.ts';
import { NO_MEMORY } from '../core/guard.ts';
import type { Settings } from '../core/resource.ts';
import { EMPTY_SNAPSHOT } from '../core/snapshot.ts';
import { namedDatabases } from '../core/targets.ts';
import { KINDS } from '../kinds/index.ts';
import { readStanding } from '../reconcile/identity.ts';
import { type LookOptions, look } from '../reconcile/reconcile.ts';
import { rememberedRegions } from '../reconcile/scopes.ts';
import type { Store } from '../store/store.ts';
import type { AwsWorld } from './aws.ts';

export interface PreviewOptions {
  readonly api: ApiClient;
  readonly store: Store;
  readonly aws: AwsWorld;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly defaultRegion: string;
  readonly shrinkLimit: number;
}

/** What a pass over every scope would do now, with `overlay` in place of the stored Bastions of the same names. Changes nothing. */
export async function previewPlan(
  options: PreviewOptions,
  overlay: readonly Bastion[] = [],
): Promise<PlanPreview> {
  const { store, aws, settings } = options;
  const api = withOverlay(options.api, overlay);
  const own = {
    accountId: aws.accountId,
    installation: settings.installation,
    region: options.defaultRegion,
  };
  const { defaultRegion, halted } = await readStanding({ api: options.api, store, own });
  const bastions = (await api.bastions.list()).items;
  const named = bastions.map((bastion) => bastion.spec.region ?? defaultRegion);
  const regions = [...new Set([...named, ...(await rememberedRegions(store, aws.accountId))])].sort();
  return {
    regions: await Promise.all(
      regions.map((region) => previewRegion(region, bastions, { ...options, api, defaultRegion, halted })),
    ),
  };
}

async function previewRegion(
  region: string,
  bastions: readonly Bastion[],
  options: PreviewOptions & Pick<LookOptions, 'halted'>,
): Promise<RegionPreview> {
  const { aws, clock, settings, defaultRegion } = options;
  const mine = bastions.filter((bastion) => (bastion.spec.region ?? defaultRegion) === region);
  const scope = { accountId: aws.accountId, region, installation: settings.installation };
  const { plan, observed, wishes } = await look(
    { snapshot: EMPTY_SNAPSHOT, guard: NO_MEMORY, sequence: 1 },
    {
      ...options,
      kinds: KINDS,
      aws: connect({ connection: aws.connection, scope, clock })(),
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
  return { region, steps: plan.steps, failures: [...observed.failures.values()], problems };
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
