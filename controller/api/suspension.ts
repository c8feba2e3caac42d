import { ANNOTATION, type Bastion, BY_GIT } from './bastion.ts';

/** Whether it is the file that a Bastion comes from that suspends it, and not somebody's hand. */
export function isSuspendedByFile({ metadata: { annotations = {} } }: Bastion): boolean {
  return annotations[ANNOTATION.source] !== undefined && annotations[ANNOTATION.suspendedBy] === BY_GIT;
}

/** By whom and since when it is suspended, as far as that is on record; empty when nothing is. */
export function suspensionText(bastion: Bastion): string {
  const { annotations = {} } = bastion.metadata;
  const by = annotations[ANNOTATION.suspendedBy];
  const at = annotations[ANNOTATION.suspendedAt];
  if (by === undefined) return '';
  const since = at === undefined ? '' : ` since ${at}`;
  if (isSuspendedByFile(bastion)) return ` by its file ${annotations[ANNOTATION.sourcePath]}${since}`;
  const isOpenInGit = by !== BY_GIT && annotations[ANNOTATION.source] !== undefined;
  return ` by ${by}${since}${isOpenInGit ? '; its file does not suspend it' : ''}`;
}
