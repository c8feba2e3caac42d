import type { Canary } from './canary.ts';

/** Bugs in telling whether somebody uses a Bastion. */
export const IDLENESS: readonly Canary[] = [
  {
    name: 'idle-on-a-failed-list',
    like: 'a scale-to-zero autoscaler that takes a metric it cannot read for zero',
    file: 'core/idle.ts',
    find: "if (why !== undefined) return { look: 'failed', why };",
    replace: `if (why !== undefined)
    return { look: 'fresh', sessions: [], endedSince: 0, at: Number.MAX_SAFE_INTEGER };`,
    scenarios: ['sessions-unreadable-when-idle'],
  },
  {
    name: 'idle-of-the-activation-before',
    like: 'a time-out that goes on counting from the last start of what was started anew',
    file: 'core/idle.ts',
    find: 'const isSameLife = status?.activatedAt === rfc3339(life.activatedAt);',
    replace: 'const isSameLife = status !== undefined;',
    scenarios: ['idle-in-a-window-that-opens-slowly'],
  },
  {
    name: 'idle-for-ever',
    like: 'a job that was stopped once and is stopped whenever it is started again',
    file: 'core/lifetime.ts',
    find: 'endedAt === undefined || timeOf(recorded) !== activatedAt)',
    replace: 'endedAt === undefined || recorded === undefined)',
    scenarios: ['idle-and-renewed'],
  },
  {
    name: 'idle-at-first-sight',
    like: 'a reaper of idle workspaces without a second look',
    file: 'core/idle.ts',
    find: 'const isSecond = firstAt !== undefined && seen.at >= firstAt + SETTLES_MS;',
    replace: 'const isSecond = firstAt === undefined || SETTLES_MS > 0;',
    scenarios: ['session-begins-when-idle'],
    faults: ['stale'],
    calls: ['ssm:DescribeSessions'],
  },
  {
    name: 'short-sessions-unseen',
    like: 'a reaper of idle workspaces that samples once a minute',
    file: 'core/idle.ts',
    find: 'const since = Math.max(startedAt, ...ends);',
    replace: 'const since = Math.max(startedAt, ...ends.slice(ends.length));',
    scenarios: ['session-keeps-it-open'],
  },
  {
    name: 'renewed-and-idle',
    like: 'a reaper of idle workspaces that does not know of the button to keep one',
    file: 'core/idle.ts',
    find: 'return Math.max(since ?? wholeSecond(now), renewedAt);',
    replace: 'return Math.max(since ?? wholeSecond(now), renewedAt * 0);',
    scenarios: ['idle-and-renewed'],
  },
];
