import type { Canary } from './canary.ts';

/** Bugs in what is made of a git source that is slow, hostile, not to be reached, or not configured any more. */
export const ORIGINS: readonly Canary[] = [
  {
    name: 'slow-source-holds-up-all',
    like: 'a GitOps tool that fetches its repositories one after the other, or waits for the slowest',
    file: 'shell/sync.ts',
    find: 'if (isBeginning) return;',
    replace: 'if (isBeginning || running().length > 0) return;',
    scenarios: ['git-one-source-slow'],
  },
  {
    name: 'earlier-tenure-goes-on-fetching',
    like: 'a controller that, leading again, waits for a fetch which it began before it had lost the lease',
    file: 'shell/sync.ts',
    find: `      stopAll();
      await Promise.allSettled(running());`,
    replace: '      await Promise.allSettled(running());',
    scenarios: ['git-one-source-slow'],
    faults: ['lease-lost'],
  },
  {
    name: 'back-off-without-a-limit',
    like: 'exponential back-off without a cap: what was revoked while the network was down stays open for as long again',
    file: 'shell/source-rhythm.ts',
    find: 'const LONGEST_PAUSE_MS = 60_000;',
    replace: 'const LONGEST_PAUSE_MS = 86_400_000;',
    scenarios: ['git-unreachable-is-shown'],
  },
  {
    name: 'unreachable-only-in-the-log',
    like: 'a controller that says in its log alone that its source of truth cannot be reached',
    file: 'core/origin.ts',
    find: "if (state !== 'synced' && !isOther) {",
    replace: "if (state !== 'synced' && state !== 'unreachable' && !isOther) {",
    scenarios: ['git-unreachable-is-shown'],
  },
  {
    name: 'no-guard-for-the-unread',
    like: 'a source that fails for days while every dashboard is green',
    file: 'sources/unread-guard.ts',
    find: 'const PATIENCE_MS = 5 * 60_000;',
    replace: 'const PATIENCE_MS = 5 * 86_400_000;',
    scenarios: ['git-unreachable-is-shown'],
  },
  {
    name: 'record-written-each-poll',
    like: 'Flux and its like before they left unchanged conditions alone: a status write each poll',
    file: 'sources/source-record.ts',
    find: 'if (stored && isRemembered && !isWorthWriting(stored.status, shown, clock.now())) return undefined;',
    replace:
      'if (stored && isWorthWriting(stored.status, shown, clock.now()) === undefined) return undefined;',
    scenarios: ['git-unreachable-is-shown'],
  },
  {
    name: 'refused-is-nameless',
    like: 'a repository that is too much: a stack trace in the log, and nothing to see anywhere else',
    file: 'sources/look-failure.ts',
    find: "error instanceof TooManyFilesError || error instanceof RefusedError ? 'refused' : undefined",
    replace: "error instanceof TooManyFilesError ? 'refused' : undefined",
    scenarios: ['git-refused'],
  },
  {
    name: 'former-source-unseen',
    like: 'a GitOps tool that forgets an application, and leaves what it has made behind without a word',
    file: 'core/origin.ts',
    find: 'if (configured) return !configured.includes(source);',
    replace: 'if (configured) return false;',
    scenarios: ['git-source-no-longer-configured'],
  },
  {
    name: 'former-source-prunes',
    like: 'Argo CD deletes an application that is left out of its generator, and all that it holds',
    file: 'core/origin.ts',
    find: "if (life.state !== 'active' && life.state !== 'expired') return life;",
    replace: "if (life.state !== 'deleted') return { state: 'deleted' };",
    scenarios: ['git-source-no-longer-configured'],
  },
  {
    name: 'former-source-still-opens',
    like: 'access that is renewed and scheduled on the word of a repository that nobody reads any more',
    file: 'reconcile/lives.ts',
    find: 'return isOrphan(bastion, origins) ? orphanLife(bastion, life, now) : life;',
    replace: 'return isOrphan(bastion, origins) && now === 0 ? orphanLife(bastion, life, now) : life;',
    scenarios: ['git-source-no-longer-configured'],
  },
];
