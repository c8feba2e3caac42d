import type { Bastion } from '../api/bastion.ts';
import { type ApiClient, ApiError } from '../api/client.ts';
import { rfc3339 } from '../api/clock.ts';
import { type ObjectName, objectName } from '../api/object.ts';
import type { EventDraft } from '../core/events.ts';
import { digest } from '../core/name.ts';

/** Stores events, each counted rather than repeated. Their loss would not change what is open, so a lost race is let go. */
export async function record(
  api: ApiClient,
  bastions: readonly Bastion[],
  events: ReadonlyMap<ObjectName, readonly EventDraft[]>,
  now: number,
): Promise<void> {
  const byName = new Map(bastions.map((bastion) => [objectName(bastion), bastion]));
  for (const [name, drafts] of events) {
    const bastion = byName.get(name);
    for (const draft of bastion ? drafts : []) if (bastion) await count(api, bastion, draft, rfc3339(now));
  }
}

async function count(api: ApiClient, bastion: Bastion, draft: EventDraft, at: string): Promise<void> {
  const { namespace, uid } = bastion.metadata;
  const name = `${bastion.metadata.name}.${digest([uid, draft], 12)}`;
  try {
    const known = await findEvent(api, namespace, name);
    if (known) await api.events.patch(namespace, name, { count: known.count + 1, lastTimestamp: at });
    else await api.events.create(eventOf(bastion, draft, name, at));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

async function findEvent(api: ApiClient, namespace: string, name: string) {
  try {
    return await api.events.get(namespace, name);
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

function eventOf(bastion: Bastion, draft: EventDraft, name: string, at: string) {
  const { namespace, uid } = bastion.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion: bastion.apiVersion,
      kind: bastion.kind,
      namespace,
      name: bastion.metadata.name,
      uid,
    },
    ...draft,
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
    source: { component: 'bastion-controller' },
  };
}
