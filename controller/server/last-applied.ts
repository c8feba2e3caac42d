import { isDeepStrictEqual } from 'node:util';
import { ANNOTATION } from '../api/bastion.ts';
import { isRecord, type JsonObject, ownField } from '../api/json.ts';
import type { KubeObject } from '../api/object.ts';
import type { Conflict } from './fields/index.ts';
import { sentMetadata } from './object-meta.ts';

/** Who `kubectl apply --server-side` is: for it, and for nobody else, the two ways to apply are brought together. */
export const KUBECTL = 'kubectl';

/**
 * The conflicts that are left when `kubectl apply --server-side` follows on `kubectl apply`: what the last one set, and nobody has
 * changed since, was the same person's wish.
 */
export function withoutLastApplied(conflicts: readonly Conflict[], stored: KubeObject): readonly Conflict[] {
  const applied = lastApplied(stored);
  if (!applied) return conflicts;
  return conflicts.filter(({ field }) => {
    const [before] = valuesAt(applied, field);
    const [now] = valuesAt(stored, field);
    return !(before && now && isDeepStrictEqual(before.value, now.value));
  });
}

/** The object with the annotation of `kubectl apply` saying what is applied now, where it has one at all. */
export function refreshLastApplied(object: JsonObject, configuration: JsonObject): JsonObject {
  const metadata = sentMetadata(object);
  const annotations = ownField(metadata, 'annotations');
  if (!isRecord(annotations) || ownField(annotations, ANNOTATION.lastApplied) === undefined) return object;
  const refreshed = { ...annotations, [ANNOTATION.lastApplied]: formatLastApplied(configuration) };
  return { ...object, metadata: { ...metadata, annotations: refreshed } };
}

function lastApplied({ metadata }: KubeObject): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(metadata.annotations?.[ANNOTATION.lastApplied] ?? '');
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function formatLastApplied(configuration: JsonObject): string {
  const metadata = { ...sentMetadata(configuration) };
  const annotations = ownField(metadata, 'annotations');
  if (isRecord(annotations)) {
    const { [ANNOTATION.lastApplied]: _self, ...rest } = annotations;
    metadata['annotations'] = rest;
  }
  return `${JSON.stringify(sorted({ ...configuration, metadata }))}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, item]) => [name, sorted(item)]));
}

interface Found {
  readonly value: unknown;
}

/**
 * What is at a path such as `.spec.targets[name="orders"].port` or `.metadata.labels.example.com/team`: names may hold dots, so
 * that there can be more than one way to read it.
 */
function valuesAt(value: unknown, path: string): readonly Found[] {
  if (path === '') return [{ value }];
  if (path.startsWith('[')) return itemsAt(value, path);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const rest = path.startsWith(`.${name}`) ? path.slice(name.length + 1) : undefined;
    return rest === undefined || !/^([.[]|$)/.test(rest) ? [] : valuesAt(item, rest);
  });
}

function itemsAt(list: unknown, path: string): readonly Found[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item, index) => {
    const selectors = [`[=${JSON.stringify(item)}]`, `[${index}]`, ...keySelectors(item, path)];
    const selector = selectors.find((candidate) => path.startsWith(candidate));
    return selector === undefined ? [] : valuesAt(item, path.slice(selector.length));
  });
}

/** `[name="orders"]` or `[ip="…",port=53]`: the path itself says which fields are the keys. */
function keySelectors(item: unknown, path: string): readonly string[] {
  if (!isRecord(item) || path.startsWith('[=')) return [];
  const names = [...path.matchAll(/[[,]([A-Za-z_]\w*)=/g)].map(([, name = '']) => name);
  return names.map((_, index) => {
    const keys = names.slice(0, index + 1).map((name) => `${name}=${JSON.stringify(ownField(item, name))}`);
    return `[${keys.join(',')}]`;
  });
}
