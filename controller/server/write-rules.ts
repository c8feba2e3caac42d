import { ANNOTATION } from '../api/bastion.ts';
import type { FieldError } from '../machinery/api-error.ts';
import type { KubeObject } from '../machinery/object.ts';
import { MAX_OBJECT_BYTES } from '../store/log.ts';
import { invalid } from './failures.ts';
import type { ResourceContext } from './resource-context.ts';

/** What only a source may say: when its commit was made decides how long the first activation lasts. */
const SOURCES_ONLY: readonly string[] = [
  ANNOTATION.activateFrom,
  ANNOTATION.sourcePath,
  ANNOTATION.sourceCommit,
  ANNOTATION.sourceAuthor,
  ANNOTATION.sourceDigest,
  ANNOTATION.sourceError,
];

/** Of each object: a status says of every resource and condition what there is to say. */
const STATUS_BYTES = 80 * 1024;
const MAX_CONTENT_BYTES = MAX_OBJECT_BYTES - STATUS_BYTES;
/** An object from before this limit must still be suspended, released and let go. */
const CLOSING_BYTES = 4 * 1024;

/** The object as it may be written in place of `stored`: what is not the writer's to say stays as it was. */
export function underRules<T extends KubeObject>(
  { isSource = false }: ResourceContext<T>,
  stored: T | undefined,
  next: T,
): T {
  return isSource ? next : keepReserved(stored, next);
}

/** They may be taken off, as for handing a Bastion over; but not what the first activation counts from. */
function keepReserved<T extends KubeObject>(stored: T | undefined, next: T): T {
  const { annotations = {} } = next.metadata;
  const before = stored?.metadata.annotations ?? {};
  const kept = Object.fromEntries(
    SOURCES_ONLY.flatMap((name) => {
      const isLeft = annotations[name] !== undefined || name === ANNOTATION.activateFrom;
      return isLeft && before[name] !== undefined ? [[name, before[name]]] : [];
    }),
  );
  if (SOURCES_ONLY.every((name) => annotations[name] === kept[name])) return next;
  const others = Object.entries(annotations).filter(([name]) => !SOURCES_ONLY.includes(name));
  const all = { ...Object.fromEntries(others), ...kept };
  const { annotations: _sent, ...metadata } = next.metadata;
  return { ...next, metadata: { ...metadata, ...(Object.keys(all).length > 0 && { annotations: all }) } };
}

/**
 * Of the object as it is to be stored, with the account of who owns what: that names each field anew.
 * @throws ApiError Invalid when it leaves no room for its status
 */
export function refuseLarge<T extends KubeObject>(
  { strategy }: ResourceContext<T>,
  stored: T | undefined,
  next: T,
): void {
  if (!strategy.checkStatus) return;
  const bytes = contentBytes(next);
  if (bytes <= MAX_CONTENT_BYTES) return;
  if (stored && bytes <= contentBytes(stored) + CLOSING_BYTES) return;
  const field = bytesOf(next.metadata) > bytes / 2 ? 'metadata' : 'spec';
  const message = `found ${bytes} bytes in all, as JSON, allowed: at most ${MAX_CONTENT_BYTES}, so that its status fits beside it`;
  const error: FieldError = { field, type: 'TooLong', message };
  throw invalid(strategy, next.metadata.name, [error]);
}

/** As the store counts, where a character can take several bytes and a backslash takes two. */
function contentBytes(object: KubeObject): number {
  const { status: _status, ...content } = object as KubeObject & { readonly status?: unknown };
  return bytesOf(content);
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
