import { storeContract } from './contract.ts';
import { createMemorySubject } from './memory.ts';

storeContract("the tests' own store in memory", async () => createMemorySubject());
