import { ACTIVATION_TIMES, type Activation } from '../api/bastion.ts';
import type { ActivationRecord } from './store.ts';
import { ABSENT, type Condition, type Item, type Table } from './table.ts';

const PARTITION = 'activation';

export interface Activations {
  list(): Promise<readonly ActivationRecord[]>;
  /** @returns false when the stored record is not `expected` any more. */
  write(next: ActivationRecord, expected: ActivationRecord | undefined): Promise<boolean>;
  /** @returns false when the stored record is another one by now. */
  remove(record: ActivationRecord): Promise<boolean>;
}

/**
 * In a partition of their own, outside the log, as leases are: whoever may write Bastions has to write the log too, and must not be
 * able to forge these (deploy/iam/writer-policy.json).
 */
export function createActivations(table: Table): Activations {
  return {
    list: async () => (await table.query({ pk: PARTITION })).map(parseRecord),
    async write(next, expected) {
      const { uid, version, ...times } = next;
      const item = { pk: PARTITION, sk: uid, version, ...times };
      if (await table.put(item, expected ? unchanged(expected) : ABSENT)) return true;
      // The client repeats a request whose answer was lost: then it is our own record that stands in the way.
      const stored = await table.get({ pk: PARTITION, sk: uid });
      return stored !== undefined && isSame(parseRecord(stored), next);
    },
    remove: (record) => table.remove({ pk: PARTITION, sk: record.uid }, unchanged(record)),
  };
}

function unchanged({ version }: ActivationRecord): Condition {
  return { equals: { version } };
}

function parseRecord(item: Item): ActivationRecord {
  const times = ACTIVATION_TIMES.filter((name) => typeof item[name] === 'string').map((name) => [
    name,
    item[name],
  ]);
  return {
    uid: String(item['sk']),
    version: Number(item['version']),
    ...(Object.fromEntries(times) as Activation),
    ...(typeof item['setBackMs'] === 'number' && { setBackMs: item['setBackMs'] }),
  };
}

function isSame(a: ActivationRecord, b: ActivationRecord): boolean {
  return a.version === b.version && ACTIVATION_TIMES.every((name) => a[name] === b[name]);
}
