import { ANNOTATION, type Bastion } from '../api/bastion.ts';
import { rfc3339 } from '../machinery/clock.ts';
import type { Manifest } from '../machinery/resources.ts';
import { suspensionMarks } from './closings.ts';
import type { Declaration } from './judging.ts';

/** Ours to write: a manifest that sets them says nothing. */
const RESERVED: readonly string[] = [
  ANNOTATION.source,
  ANNOTATION.sourcePath,
  ANNOTATION.sourceCommit,
  ANNOTATION.sourceAuthor,
  ANNOTATION.sourceDigest,
  ANNOTATION.sourceError,
  ANNOTATION.activateFrom,
  ANNOTATION.suspendedBy,
  ANNOTATION.suspendedAt,
  ANNOTATION.lastApplied,
];

export interface ComposeOptions {
  /** The source as Bastions name their owner. */
  readonly source: string;
  readonly nowMs: number;
  /** Whether the file had this very content in the commit that was in force before, or nothing ever was in force. */
  readonly isOld: (declaration: Declaration) => boolean;
}

/** @param isByHand somebody has suspended it, and it stays so */
export function compose(
  { source, nowMs, isOld }: ComposeOptions,
  declaration: Declaration,
  stored: Bastion | undefined,
  isByHand = false,
): Manifest & { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } } {
  const { manifest, touch, path, name, digest } = declaration;
  const [namespace = '', ownName = ''] = name.split('/');
  const { labels, annotations } = manifest.metadata;
  const {
    [ANNOTATION.sourceError]: _good,
    [ANNOTATION.suspendedBy]: _by,
    [ANNOTATION.suspendedAt]: _at,
    ...before
  } = stored?.metadata.annotations ?? {};
  // A file that is older than this store counts from its commit: neither losing the store nor deleting the Bastion by hand
  // reopens what has expired. A commit from the future buys no time.
  const isLate = !stored && isOld(declaration);
  const own = {
    ...(isLate && { [ANNOTATION.activateFrom]: rfc3339(Math.min(touch.committedMs, nowMs)) }),
    [ANNOTATION.source]: source,
    [ANNOTATION.sourcePath]: path,
    [ANNOTATION.sourceCommit]: touch.commit,
    [ANNOTATION.sourceAuthor]: touch.author,
    [ANNOTATION.sourceDigest]: digest,
    ...suspensionMarks(stored, declaration, isByHand),
  };
  const declaredAnnotations = Object.entries(annotations ?? {}).filter(([key]) => !RESERVED.includes(key));
  const merged = {
    ...before,
    ...Object.fromEntries(declaredAnnotations),
    ...laterRenewal(before, annotations),
    ...own,
  };
  return {
    ...{ apiVersion: manifest.apiVersion, kind: manifest.kind },
    spec: isByHand ? { ...manifest.spec, suspend: true } : manifest.spec,
    metadata: {
      ...stored?.metadata,
      ...{ name: ownName, namespace, annotations: merged, labels: labels ?? {} },
    },
  };
}

/** A renewal from the command line stands over an older one that is still in the file. */
function laterRenewal(
  before: Readonly<Record<string, string>>,
  declared: Readonly<Record<string, string>> = {},
) {
  const times = [before[ANNOTATION.renewedAt], declared[ANNOTATION.renewedAt]].filter(
    (time) => time !== undefined,
  );
  const [latest] = times.sort((a, b) => Date.parse(b) - Date.parse(a));
  return latest === undefined ? {} : { [ANNOTATION.renewedAt]: latest };
}
