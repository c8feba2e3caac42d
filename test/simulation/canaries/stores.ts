import type { Canary } from './canary.ts';

/** Bugs in what becomes of a store that loses what it held. */
export const STORES: readonly Canary[] = [
  {
    name: 'empty-store-is-the-truth',
    like: 'a controller that collects garbage against a store which was made anew and is empty',
    file: 'core/guard.ts',
    find: 'const isDoubted = doubt !== undefined && counted.length > 0;',
    replace: 'const isDoubted = false;',
    scenarios: ['table-emptied'],
  },
  {
    name: 'vanished-is-deleted',
    like: 'a controller that takes an object which is not listed for one that was deleted',
    file: 'reconcile/scope-memory.ts',
    find: 'return this.#known.doubt ?? (await this.#vanished(this.#known, present));',
    replace: 'return this.#known.doubt;',
    scenarios: ['bastions-emptied'],
  },
  {
    name: 'log-begins-at-one',
    like: 'a store whose revisions begin anew under objects that have higher ones',
    file: 'store/dynamodb.ts',
    find: '(head?.revision ?? (await objects.newest())) + 1',
    replace: '(head?.revision ?? 0) + 1',
    scenarios: ['log-emptied'],
  },
  {
    name: 'applied-by-revision',
    like: 'a cache that knows by a number what it has done, across a restore that takes the number back',
    file: 'store/dynamodb.ts',
    find: 'if (entry.write === applied) return;',
    replace:
      'if (entry.revision <= ((apply as any).through ?? 0)) return;\n    (apply as any).through = entry.revision;',
    scenarios: ['table-emptied', 'git-table-emptied'],
  },
];
