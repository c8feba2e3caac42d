import { playSingleFaults } from './singles.ts';

playSingleFaults({ index: 3, of: 6 });
