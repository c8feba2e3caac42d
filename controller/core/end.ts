import type { End } from './resource.ts';

/**
 * True of an end that is nothing to the activation that began at `activatedAt` (RFC 3339). Where windows overlap, a task outlives
 * the activation it was started for: if it fails after the next one has begun, it fails that one.
 */
export function isEarlier(end: End | undefined, activatedAt: string | undefined): boolean {
  if (end?.activatedAt === undefined || activatedAt === undefined || end.activatedAt === activatedAt)
    return false;
  return !end.failed || end.at < Date.parse(activatedAt);
}
