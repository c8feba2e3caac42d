import { once } from './reads.ts';

/** Their SDKs take their time to load, few scopes need them, and every start would wait for them. */
export const loadDatabases = once(() => import('./databases.ts'));
