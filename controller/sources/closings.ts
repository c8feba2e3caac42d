import { ANNOTATION, type Bastion, BY_GIT } from '../api/bastion.ts';
import type { ObjectName } from '../machinery/object.ts';
import { findSaid } from './digests.ts';
import type { Declaration } from './judging.ts';

/**
 * Whether somebody has suspended a Bastion after its file came to be as it stands. That may be seen only now, as of a commit that was
 * made before and fetched after: it knew nothing of the suspension, and does not lift it. A hand-over is no change of the file, and
 * opens nothing.
 */
export function isSuspendedByHand(
  stored: Bastion,
  declaration: Declaration,
  { known, isOld }: { readonly known: string | undefined; readonly isOld: boolean },
): boolean {
  if (stored.spec.suspend !== true || declaration.manifest.spec.suspend === true) return false;
  const { annotations = {} } = stored.metadata;
  const { [ANNOTATION.sourceDigest]: recorded, [ANNOTATION.sourceCommit]: commit } = annotations;
  if (recorded === undefined && (commit === undefined || isOld)) return true;
  const isSame = [recorded, known].some((before) => findSaid([declaration], before) !== undefined);
  // The time of the file's own suspension is when that was seen: what was committed meanwhile may well lift it.
  const isHand = annotations[ANNOTATION.suspendedBy] !== BY_GIT;
  return isSame || (isHand && isEarlier(declaration, annotations[ANNOTATION.suspendedAt]));
}

/** What a Bastion was made by, where that is still there, though another file may count now that it is gone. */
function stillSaid(declaration: Declaration, before: string | undefined): string | undefined {
  return findSaid([declaration, ...(declaration.others ?? [])], before);
}

/**
 * The word that a deletion by hand stands against: what was said when it was deleted, or what was committed before that and seen only
 * after. Where nothing of the Bastion was known, nobody can have deleted it.
 */
export function closedWord(declaration: Declaration, before: string | undefined, at: string | undefined) {
  if (before === undefined) return undefined;
  return stillSaid(declaration, before) ?? (isEarlier(declaration, at) ? declaration.digest : undefined);
}

/** Both in whole seconds: where they are the same, nobody can tell, and what is closed stays closed. */
function isEarlier({ touch }: Declaration, at: string | undefined): boolean {
  return at !== undefined && touch.committedMs <= Date.parse(at);
}

/** What a source writes of a suspension: the file's own is git's, and one by hand is not touched. */
export function suspensionMarks(
  stored: Bastion | undefined,
  { manifest }: Declaration,
  isByHand: boolean,
): Readonly<Record<string, string>> {
  const { [ANNOTATION.suspendedBy]: by, [ANNOTATION.suspendedAt]: at } = stored?.metadata.annotations ?? {};
  if (!isByHand && manifest.spec.suspend !== true) return {};
  const whose = by === undefined || by === BY_GIT ? 'somebody' : by;
  return {
    [ANNOTATION.suspendedBy]: isByHand ? whose : BY_GIT,
    ...(at !== undefined && { [ANNOTATION.suspendedAt]: at }),
  };
}

export function suspendedText({ metadata }: Bastion): string {
  const { name, namespace } = metadata;
  return (
    `stays suspended ${byWhom(metadata.annotations)}, though its file does not suspend it. ` +
    `It opens when the file changes, or with: bastionctl resume ${name} -n ${namespace}`
  );
}

export function reopenedText({ metadata }: Bastion, { name, path }: Declaration): string {
  return `Bastion ${name}, suspended ${byWhom(metadata.annotations)}, opens again: what ${path} says of it has changed`;
}

function byWhom(annotations: Readonly<Record<string, string>> = {}): string {
  const by = annotations[ANNOTATION.suspendedBy];
  const at = annotations[ANNOTATION.suspendedAt];
  const who = `by ${by === undefined || by === BY_GIT ? 'somebody' : by}`;
  return at === undefined ? who : `${who} since ${at}`;
}

export function removedText(name: ObjectName, at: string, source: string): string {
  const [namespace, own] = name.split('/');
  return (
    `was deleted by hand (seen at ${at}) and stays away until its file changes. To have it back as it is: ` +
    `bastionctl apply it, and then bastionctl release ${own} -n ${namespace} --to ${source}`
  );
}
