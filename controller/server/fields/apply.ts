import type { StructuralSchema } from '../../api/crd.ts';
import type { JsonObject } from '../../api/json.ts';
import type { Conflict } from './conflict.ts';

export interface ApplyRequest {
  /** Undefined where the apply creates the object. */
  readonly stored: JsonObject | undefined;
  readonly configuration: JsonObject;
  readonly schema: StructuralSchema;
  readonly manager: string;
  readonly force: boolean;
  readonly apiVersion: string;
  readonly subresource?: 'status';
  /** RFC 3339. */
  readonly now: string;
}

export interface ApplyResult {
  /** The merged object with its new metadata.managedFields; what is stored, where there are conflicts. */
  readonly object: JsonObject;
  /** Not empty: nothing was applied. */
  readonly conflicts: readonly Conflict[];
}

export function applyConfiguration({ stored, configuration }: ApplyRequest): ApplyResult {
  return { object: { ...stored, ...configuration }, conflicts: [] };
}
