import { createHash } from 'node:crypto';
import { ApiError } from '../machinery/api-error.ts';
import { ifFound } from '../machinery/attempt.ts';
import { rfc3339 } from '../machinery/clock.ts';
import type { EventDraft } from '../machinery/event.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { ApiClient } from './client.ts';

/** Stores an event, counted rather than repeated. Its loss would not change what is open, so a lost race is let go. */
export async function recordEvent(
  api: ApiClient,
  about: KubeObject,
  draft: EventDraft,
  now: number,
): Promise<void> {
  const { namespace, uid } = about.metadata;
  const { type, reason, message } = draft;
  const digest = createHash('sha256')
    .update(JSON.stringify([uid, type, reason, message]))
    .digest('hex');
  const name = `${about.metadata.name}.${digest.slice(0, 12)}`;
  const at = rfc3339(now);
  try {
    const known = await ifFound(() => api.events.get(namespace, name));
    if (known) await api.events.patch(namespace, name, { count: known.count + 1, lastTimestamp: at });
    else await api.events.create(eventOf(about, draft, name, at));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

function eventOf({ apiVersion, kind, metadata }: KubeObject, draft: EventDraft, name: string, at: string) {
  const { namespace, uid } = metadata;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: { apiVersion, kind, namespace, name: metadata.name, uid },
    ...draft,
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
    source: { component: 'bastion-controller' },
  };
}
