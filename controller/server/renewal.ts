import { ANNOTATION, type Bastion } from '../api/bastion.ts';
import { isFarAhead, rfc3339 } from '../machinery/clock.ts';
import type { Change } from './strategy.ts';

/**
 * A renewal is of now: the clock of whoever asks may run ahead, and then the Bastion would not be renewed while somebody waits for it,
 * and open by itself later. What stands in a file is its source's to say.
 */
export function renewNow({ stored, next, isSource, nowMs }: Change<Bastion>): Bastion {
  const { annotations = {} } = next.metadata;
  const asked = annotations[ANNOTATION.renewedAt];
  const isAsked = asked !== stored.metadata.annotations?.[ANNOTATION.renewedAt];
  if (isSource || !isAsked || !isFarAhead(Date.parse(asked ?? ''), nowMs)) return next;
  const renewed = { ...annotations, [ANNOTATION.renewedAt]: rfc3339(nowMs) };
  return { ...next, metadata: { ...next.metadata, annotations: renewed } };
}
