import type { KubeObject } from '../machinery/object.ts';
import type { ResourceContext } from './resource-context.ts';

/** `next` with what the server adds of its own to the change. @throws ApiError for a change that nobody may make */
export function witness<T extends KubeObject>(
  { strategy, clock, fieldManager, isSource = false }: ResourceContext<T>,
  stored: T,
  next: T,
  manager = fieldManager,
): T {
  return strategy.witness?.({ stored, next, isSource, manager, nowMs: clock.now() }) ?? next;
}
