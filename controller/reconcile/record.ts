import type { Bastion } from '../api/bastion.ts';
import type { ApiClient } from '../api/client.ts';
import { recordEvent } from '../api/event-record.ts';
import type { EventDraft } from '../machinery/event.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';

/** Stores what happened to each Bastion. */
export async function record(
  api: ApiClient,
  bastions: readonly Bastion[],
  events: ReadonlyMap<ObjectName, readonly EventDraft[]>,
  now: number,
): Promise<void> {
  const byName = new Map(bastions.map((bastion) => [objectName(bastion), bastion]));
  for (const [name, drafts] of events) {
    const bastion = byName.get(name);
    for (const draft of bastion ? drafts : []) if (bastion) await recordEvent(api, bastion, draft, now);
  }
}
