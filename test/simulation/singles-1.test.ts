import { playSingleFaults } from './singles.ts';

playSingleFaults({ index: 1, of: 2 });
