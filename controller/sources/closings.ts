import { ANNOTATION, type Bastion, BY_GIT } from '../api/bastion.ts';
import type { ObjectName } from '../api/object.ts';
import { findSaid } from './digests.ts';
import type { Declaration } from './judging.ts';

/**
 * Whether somebody has suspended a Bastion whose file, as it stands, was in force before. A hand-over is no change of the file, and
 * opens nothing.
 */
export function isSuspendedByHand(
  stored: Bastion,
  declaration: Declaration,
  { known, isOld }: { readonly known: string | undefined; readonly isOld: boolean },
): boolean {
  if (stored.spec.suspend !== true || declaration.manifest.spec.suspend === true) return false;
  const { [ANNOTATION.sourceDigest]: recorded, [ANNOTATION.sourceCommit]: commit } =
    stored.metadata.annotations ?? {};
  if (recorded === undefined && (commit === undefined || isOld)) return true;
  return [recorded, known].some((before) => findSaid([declaration], before) !== undefined);
}

/** What a Bastion was made by, where that is still there, though another file may count now that it is gone. */
export function stillSaid(declaration: Declaration, before: string | undefined): string | undefined {
  return findSaid([declaration, ...(declaration.others ?? [])], before);
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
