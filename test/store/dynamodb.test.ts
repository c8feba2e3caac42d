import { storeContract } from './contract.ts';
import { createDynaliteSubject } from './dynalite.ts';
import { tableContract } from './table-contract.ts';

storeContract('a store on dynalite', createDynaliteSubject);
tableContract('a table on dynalite', createDynaliteSubject);
