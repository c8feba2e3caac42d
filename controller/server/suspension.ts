import { ANNOTATION, type Bastion, BY_GIT, GROUP, KIND } from '../api/bastion.ts';
import { isSuspendedByFile } from '../api/suspension.ts';
import { ApiError } from '../machinery/api-error.ts';
import { rfc3339 } from '../machinery/clock.ts';
import type { Change } from './strategy.ts';

/**
 * Records who closes a Bastion by spec.suspend, and when: a client may name the person, and otherwise it is the client itself. The
 * file's own suspension is the file's to lift; only its source takes that mark away.
 */
export function witnessSuspension({ stored, next, isSource, manager, nowMs }: Change<Bastion>): Bastion {
  const [was, is] = [stored.spec.suspend === true, next.spec.suspend === true];
  const isReleased = next.metadata.annotations?.[ANNOTATION.source] === undefined;
  const isHeld = isSuspendedByFile(stored) && !isReleased && !isSource;
  if (was && !is && isHeld) throw heldByFile(stored);
  if (!is) return withMarks(next, {});
  const { [ANNOTATION.suspendedBy]: before, [ANNOTATION.suspendedAt]: at } =
    stored.metadata.annotations ?? {};
  const { [ANNOTATION.suspendedBy]: named } = next.metadata.annotations ?? {};
  // The file's word is its source's to say, and to take back.
  const by = !isSource && (isHeld || named === BY_GIT) ? before : named;
  if (was) {
    // Who came first stays on record; only the file's word and a hand's replace each other.
    const isKept = by === undefined || (before !== undefined && before !== BY_GIT && by !== BY_GIT);
    return withMarks(next, { by: isKept ? before : by, at });
  }
  return withMarks(next, { by: by !== undefined && by !== before ? by : manager, at: rfc3339(nowMs) });
}

interface Marks {
  readonly by?: string | undefined;
  readonly at?: string | undefined;
}

function withMarks(bastion: Bastion, { by, at }: Marks): Bastion {
  const { annotations, ...metadata } = bastion.metadata;
  const { [ANNOTATION.suspendedBy]: _by, [ANNOTATION.suspendedAt]: _at, ...others } = annotations ?? {};
  const all = {
    ...others,
    ...(by !== undefined && { [ANNOTATION.suspendedBy]: by }),
    ...(at !== undefined && { [ANNOTATION.suspendedAt]: at }),
  };
  if (annotations === undefined && Object.keys(all).length === 0) return bastion;
  return { ...bastion, metadata: { ...metadata, annotations: all } };
}

function heldByFile({ metadata }: Bastion): ApiError {
  const { name, namespace, annotations = {} } = metadata;
  const [source, path] = [annotations[ANNOTATION.source], annotations[ANNOTATION.sourcePath]];
  const message =
    `Forbidden: ${path} of ${source} suspends it, and a resume does not stand against that. ` +
    `Change the file, or take it out of git first: bastionctl release ${name} -n ${namespace}`;
  const causes = [{ field: 'spec.suspend', type: 'Forbidden' as const, message }];
  return new ApiError('Invalid', `${KIND}.${GROUP} "${name}" is invalid: spec.suspend: ${message}`, causes);
}
