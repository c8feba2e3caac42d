import type { Canary } from './canary.ts';

/** Bugs between replicas, in the store, and in what is read from git. */
export const TURNS: readonly Canary[] = [
  {
    name: 'no-fence',
    like: 'leader election without a fence: who lost the lease finishes what it was at',
    file: 'reconcile/lease.ts',
    find: 'return () => epoch !== undefined && lease.held()?.epoch === epoch;',
    replace: 'return () => epoch !== undefined;',
    scenarios: ['hand-over'],
    faults: ['pause'],
  },
  {
    name: 'lease-held-for-ever',
    like: 'a leader that goes on until somebody tells it that it is none any more',
    file: 'reconcile/lease.ts',
    find: 'return tenure && !this.#hasResigned && this.#leftOf(tenure) > 0 ?',
    replace: 'return tenure && !this.#hasResigned ?',
    scenarios: ['hand-over'],
    faults: ['pause'],
  },
  {
    name: 'lease-by-wall-clock',
    like: 'client-go leader election on a machine whose clock was set back',
    file: 'app/process/clock.ts',
    find: 'return { now, monotonic: () => monotonic() * speed, setTimer };',
    replace: 'return { now, monotonic: () => wall() * speed, setTimer };',
    scenarios: ['leader-stands-still'],
  },
  {
    name: 'lease-without-epoch',
    like: 'a lease whose holders cannot be told from one another by a number that grows',
    file: 'reconcile/lease.ts',
    find: 'epoch: this.#highest + 1,',
    replace: 'epoch: stored?.epoch ?? 1,',
    scenarios: ['hand-over'],
  },
  {
    name: 'lease-taken-too-soon',
    like: 'a contender that takes over as soon as it sees the same record twice',
    file: 'reconcile/standstill.ts',
    find: 'return stillMs >= Math.max(durationMs, record.durationMs);',
    replace: 'return stillMs > 0 * Math.max(durationMs, record.durationMs);',
    scenarios: ['hand-over'],
    faults: ['pause', 'partition'],
  },
  {
    name: 'entry-not-applied',
    like: 'a write-ahead log whose next writer does not finish what the last one had begun',
    file: 'store/dynamodb.ts',
    find: 'if (head) await apply(head);',
    replace: '',
    scenarios: ['share-endpoints'],
    calls: ['table:put'],
    faults: ['crash-after'],
  },
  {
    name: 'versions-ignored',
    like: 'a status written from an old object without its resourceVersion, last writer wins',
    file: 'store/dynamodb.ts',
    find: 'if (current?.metadata.resourceVersion !== expected)\n',
    replace: 'if (current?.metadata.resourceVersion === "0" && expected)\n',
    scenarios: ['change-as-a-pass-writes'],
  },
  {
    name: 'emptied-source-deletes-all',
    like: 'a GitOps tool that prunes all when the repository is empty',
    file: 'sources/keeper.ts',
    find: "return guard.isConfirmed('SourceEmptied', name) ? undefined : { reason: EMPTY, isDoubt: false };",
    replace: 'return undefined;',
    scenarios: ['git-emptied'],
  },
  {
    name: 'unparseable-is-deleted',
    like: 'a GitOps tool for which a manifest that does not parse is not there',
    file: 'sources/judging.ts',
    find: 'if (isSomethingElse(document)) return [];',
    replace: 'if (isSomethingElse(document) || document.name === undefined) return [];',
    scenarios: ['git-poisoned-still-expires'],
  },
  {
    name: 'unreachable-is-empty',
    like: 'a GitOps tool for which a repository that cannot be cloned has no manifests',
    file: 'sources/git.ts',
    find: 'const { state, message } = failure;',
    replace: `const { state, message } = failure;
    const declarations = { declared: new Map(), failures: [], problems: [], unreadable: new Map() };
    if (state === 'unreachable') {
      await applyDeclarations({
        ...{ api: parts.api, source: parts.spec.display, nowMs: parts.clock.now(), declarations },
        ...{ isOld: () => true, keep: () => undefined, failureAt: () => undefined },
        ...{ memory: undefined, isClosedElsewhere: () => Promise.resolve(false) },
      });
    }`,
    scenarios: ['git-unreachable'],
  },
  {
    name: 'rewritten-history-deletes',
    like: 'a GitOps tool that does not notice a force push',
    file: 'sources/git.ts',
    find: 'const isRewritten = last !== undefined &&',
    replace: 'const isRewritten = last === null &&',
    scenarios: ['git-rewritten-and-confirmed'],
  },
];
