import { isDeepStrictEqual } from 'node:util';
import { ANNOTATION } from '../api/bastion.ts';
import { isRecord, type JsonObject, ownField } from '../machinery/json.ts';
import type { Manifest } from '../machinery/resources.ts';
import { sortKeys } from './output.ts';

/** The manifest with itself in the annotation, letter by letter as `kubectl apply` writes it, so that the two can take turns. */
export function withLastApplied(manifest: Manifest, namespace: string): Manifest {
  const { [ANNOTATION.lastApplied]: _own, ...annotations } = manifest.metadata.annotations ?? {};
  const { status: _status, ...content } = manifest;
  const bare = { ...content, metadata: { ...manifest.metadata, namespace, annotations } };
  const lastApplied = `${escapeAsGo(JSON.stringify(sortKeys(bare)))}\n`;
  const metadata = {
    ...bare.metadata,
    annotations: { ...annotations, [ANNOTATION.lastApplied]: lastApplied },
  };
  return { ...bare, metadata };
}

/** Go's JSON encoder escapes what could end a script in HTML. */
function escapeAsGo(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** What the last apply sent; undefined when there was none or nobody can read it. */
export function lastApplied(
  annotations: Readonly<Record<string, string>> | undefined,
): JsonObject | undefined {
  const text = annotations?.[ANNOTATION.lastApplied];
  if (text === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The merge patch that applies `modified` to `current`: what differs is set, what `original` had and `modified` has not is
 * removed, and what others added stays. Lists are replaced as a whole.
 */
export function threeWayPatch(
  original: JsonObject | undefined,
  modified: object,
  current: object,
): JsonObject {
  const removals = original ? removed(original, modified) : {};
  return merge(changes(current, modified), removals);
}

function changes(current: unknown, modified: object): JsonObject {
  const patch: JsonObject = {};
  for (const [name, wanted] of Object.entries(modified)) {
    const found = ownField(current, name);
    if (wanted === undefined || wanted === null || isDeepStrictEqual(wanted, found)) continue;
    if (!isRecord(wanted) || !isRecord(found)) patch[name] = wanted;
    else {
      const inner = changes(found, wanted);
      if (Object.keys(inner).length > 0) patch[name] = inner;
    }
  }
  return patch;
}

function removed(original: JsonObject, modified: object): JsonObject {
  const patch: JsonObject = {};
  for (const [name, before] of Object.entries(original)) {
    const wanted = ownField(modified, name);
    if (wanted === undefined || wanted === null) patch[name] = null;
    else if (isRecord(before) && isRecord(wanted)) {
      const inner = removed(before, wanted);
      if (Object.keys(inner).length > 0) patch[name] = inner;
    }
  }
  return patch;
}

function merge(first: JsonObject, second: JsonObject): JsonObject {
  const merged = { ...first };
  for (const [name, value] of Object.entries(second)) {
    const before = merged[name];
    merged[name] = isRecord(before) && isRecord(value) ? merge(before, value) : value;
  }
  return merged;
}
