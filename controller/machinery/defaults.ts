import { isRecord } from './json.ts';
import type { StructuralSchema } from './structural-schema.ts';

/**
 * Fills defaults the Kubernetes way, from the top down: a default applies where the field is missing, or null without being
 * nullable, and its parent is there, if only by a default of its own. Returns `value` itself where nothing was missing.
 */
export function fillDefaults(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value)) return fillItems(schema, value);
  if (!isRecord(value)) return value;
  let changed = false;
  const entries = new Map<string, unknown>(Object.entries(value));
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const found = entries.get(name);
    const missing = found === undefined || (found === null && !child.nullable);
    const start = missing && 'default' in child ? structuredClone(child.default) : found;
    const filled = fillDefaults(child, start);
    if (filled === found) continue;
    entries.set(name, filled);
    changed = true;
  }
  return changed ? Object.fromEntries(entries) : value;
}

function fillItems(schema: StructuralSchema, list: readonly unknown[]): readonly unknown[] {
  const items = schema.items;
  if (!items) return list;
  const filled = list.map((item) => fillDefaults(items, item));
  return filled.every((item, index) => item === list[index]) ? list : filled;
}
