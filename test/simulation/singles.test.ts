import { playSingleFaults } from './singles.ts';

playSingleFaults({ index: 0, of: 60 });
