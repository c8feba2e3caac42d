import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '../../controller/store/embedded.ts';
import { VirtualClock } from '../clock.ts';
import { storeContract } from './contract.ts';
import { portContract } from './port-contract.ts';
import { createSqliteSubject } from './sqlite.ts';

storeContract('a store on SQLite', createSqliteSubject);
portContract('SQLite as a table', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'bastion-store-'));
  const { table, close } = await openEmbeddedStore({ dataDir, clock: new VirtualClock(), newId: randomUUID });
  return {
    table,
    async close() {
      await close();
      await rm(dataDir, { recursive: true });
    },
  };
});
portContract('SQLite in memory as a table', () =>
  openEmbeddedStore({ clock: new VirtualClock(), newId: randomUUID }),
);
