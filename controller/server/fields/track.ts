import type { StructuralSchema } from '../../api/crd.ts';
import type { JsonObject } from '../../api/json.ts';

export interface TrackRequest {
  /** Undefined where the object is created. */
  readonly before: JsonObject | undefined;
  readonly after: JsonObject;
  readonly schema: StructuralSchema;
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: 'status';
  /** RFC 3339. */
  readonly now: string;
}

/** `after` with the metadata.managedFields that the update by `manager` makes of those of `before`. */
export function trackUpdate({ after }: TrackRequest): JsonObject {
  return after;
}
