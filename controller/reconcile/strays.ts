import type { Bastion, BastionStatus } from '../api/bastion.ts';
import { type Estate, placeOf, unknownAccount } from '../api/estate.ts';
import { eventsOf } from '../core/events.ts';
import { haltedStatus } from '../core/held.ts';
import { lifetime } from '../core/lifetime.ts';
import { type ObjectName, objectName } from '../machinery/object.ts';
import type { HoldOptions } from './hold.ts';
import { publish } from './publish.ts';
import { record } from './record.ts';

/** Tells the Bastions whose account nobody knows that nothing can be done for them. */
export async function tellStrays({ api, clock, settings }: HoldOptions, estate: Estate): Promise<void> {
  const strays = (await api.bastions.list()).items.filter((bastion) => !placeOf(estate, bastion.spec));
  const now = clock.now();
  const told = new Map(
    strays.map((bastion): [ObjectName, BastionStatus] => {
      const account = `spec.account: ${unknownAccount(estate, bastion.spec.account ?? '')}`;
      const held = { reason: 'UnknownAccount', message: account };
      const status = haltedStatus(bastion, lifetime(bastion, now, settings.maxTtlMs), held, now);
      return [objectName(bastion), wasNeverOpened(bastion) ? tornDown(status) : status];
    }),
  );
  const { written, refused } = await publish(api, strays, told);
  await record(api, strays, eventsOf(strays, written, [], refused), now);
}

/** Nothing was made for it without a status that says so: it may go, since there is nothing to tear down. */
function wasNeverOpened({ status }: Bastion): boolean {
  return status?.activatedAt === undefined && (status?.resources ?? []).length === 0;
}

function tornDown(status: BastionStatus): BastionStatus {
  const conditions = (status.conditions ?? []).map((one) =>
    one.type === 'TornDown'
      ? { ...one, status: 'True' as const, reason: 'NeverOpened', message: 'nothing was ever made for it' }
      : one,
  );
  return { ...status, conditions };
}
