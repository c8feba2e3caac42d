import { openTable } from '../../controller/store/table.ts';
import { VirtualClock } from '../clock.ts';
import { storeContract } from './contract.ts';
import { createDynaliteSubject, startDynalite, TABLE } from './dynalite.ts';
import { portContract } from './port-contract.ts';
import { tableContract } from './table-contract.ts';

storeContract('a store on dynalite', createDynaliteSubject);
tableContract('a table on dynalite', createDynaliteSubject);
portContract('dynalite as a table', async () => {
  const { connect, close } = await startDynalite(new VirtualClock());
  return { table: openTable(connect(), TABLE), close };
});
