import { isRecord, ownField } from '../machinery/json.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { ListQuery } from '../machinery/resources.ts';
import { parseFieldSelector, parseLabelSelector, SelectorError } from '../machinery/selector.ts';
import { badRequest } from './failures.ts';

export interface Selection {
  matches(object: KubeObject): boolean;
  /** Whether an object can never enter or leave the selection, since it asks for names only. */
  readonly isFixed: boolean;
}

/** @throws ApiError BadRequest for a selector that cannot be read */
export function parseSelection(query: ListQuery, selectable: readonly string[]): Selection {
  const { namespace, name, labelSelector = '', fieldSelector = '' } = query;
  try {
    const byLabels = parseLabelSelector(labelSelector);
    const byFields = parseFieldSelector(fieldSelector, selectable);
    return {
      isFixed: labelSelector.trim() === '' && fieldSelector.trim() === '',
      matches: (object) =>
        (namespace === undefined || object.metadata.namespace === namespace) &&
        (name === undefined || object.metadata.name === name) &&
        byLabels(object.metadata.labels) &&
        byFields((field) => readField(object, field)),
    };
  } catch (error) {
    throw error instanceof SelectorError ? badRequest(error.message) : error;
  }
}

function readField(object: KubeObject, field: string): string | undefined {
  let current: unknown = object;
  for (const name of field.split('.')) current = isRecord(current) ? ownField(current, name) : undefined;
  return current === undefined || current === null ? undefined : String(current);
}
