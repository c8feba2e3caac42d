import type { LeaseRecord } from './store.ts';
import { ABSENT, type Condition, type Item, type Table } from './table.ts';

const PARTITION = 'lease';

export interface Leases {
  read(name: string): Promise<LeaseRecord | undefined>;
  /** @returns false when the stored record is not `expected` any more. */
  write(name: string, next: LeaseRecord, expected: LeaseRecord | undefined): Promise<boolean>;
}

export function createLeases(table: Table): Leases {
  async function read(name: string): Promise<LeaseRecord | undefined> {
    const item = await table.get({ pk: PARTITION, sk: name });
    return item && parseLease(item);
  }

  return {
    read,
    async write(name, next, expected) {
      const { holder, epoch, beat } = next;
      const item = { pk: PARTITION, sk: name, ...next };
      if (await table.put(item, expected ? unchanged(expected) : ABSENT)) return true;
      // The client repeats a request whose answer was lost: then it is our own record that stands in the way.
      const stored = await read(name);
      return stored?.holder === holder && stored.epoch === epoch && stored.beat === beat;
    },
  };
}

function unchanged({ holder, epoch, beat }: LeaseRecord): Condition {
  return { equals: { holder, epoch, beat } };
}

function parseLease(item: Item): LeaseRecord {
  return {
    holder: String(item['holder']),
    epoch: Number(item['epoch']),
    beat: Number(item['beat']),
    durationMs: Number(item['durationMs']),
    ...(typeof item['time'] === 'string' && { time: item['time'] }),
    ...(typeof item['setBackMs'] === 'number' && { setBackMs: item['setBackMs'] }),
  };
}
