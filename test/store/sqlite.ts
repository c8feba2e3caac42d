import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTableStore } from '../../controller/store/dynamodb.ts';
import { type EmbeddedStore, openEmbeddedStore } from '../../controller/store/embedded.ts';
import { VirtualClock } from '../clock.ts';
import { POLL_MS, type Subject } from './subject.ts';

/** Each store as a process of its own has it: with a connection of its own, which only the file leads to the others. */
export async function createSqliteSubject(): Promise<Subject> {
  const clock = new VirtualClock();
  const dataDir = await mkdtemp(join(tmpdir(), 'bastion-store-'));
  const opened: EmbeddedStore[] = [];
  const open = () => openEmbeddedStore({ dataDir, clock, newId: randomUUID, pollMs: POLL_MS });
  // A contract opens stores without waiting.
  for (let count = 0; count < 3; count++) opened.push(await open());
  let next = 0;
  return {
    clock,
    open() {
      const embedded = opened[next++];
      if (embedded) return embedded.store;
      const table = opened[0]?.table;
      if (!table) throw new Error('no store is open');
      return createTableStore({ items: table, clock, newId: randomUUID, pollMs: POLL_MS });
    },
    async close() {
      for (const embedded of opened) await embedded.close();
      await rm(dataDir, { recursive: true });
    },
  };
}
