import { expect, it } from 'vitest';
import { ABSENT } from '../../controller/store/table.ts';
import { storeContract } from './contract.ts';
import { createMemoryTable, createMemoryTableSubject } from './memory-table.ts';
import { portContract } from './port-contract.ts';

storeContract('a store on the memory table', createMemoryTableSubject);
portContract('the memory table', async () => ({ table: createMemoryTable(), close: async () => undefined }));

it('the memory table refuses what is not flat', async () => {
  const table = createMemoryTable();
  await expect(table.put({ pk: 'log', sk: '2', list: [1] }, ABSENT)).rejects.toThrow(/flat items only/);
});
