import type { FieldError } from '../machinery/api-error.ts';
import { showValue } from '../machinery/json.ts';
import type { WriteOptions } from '../machinery/resources.ts';
import { invalid } from './failures.ts';

const MAX_BYTES = 128;

/** What Kubernetes has against a name of who writes, in its words. */
export function fieldManagerErrors(manager: string): readonly FieldError[] {
  const field = 'fieldManager';
  if (Buffer.byteLength(manager) > MAX_BYTES) {
    return [{ field, type: 'TooLong', message: `Too long: may not be more than ${MAX_BYTES} bytes` }];
  }
  if (/^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(manager)) return [];
  const message = `Invalid value: ${showValue(manager)}: should only contain printable characters`;
  return [{ field, type: 'Invalid', message }];
}

/** @throws ApiError Invalid */
export function checkFieldManager({ fieldManager }: WriteOptions): void {
  const errors = fieldManager === undefined ? [] : fieldManagerErrors(fieldManager);
  if (errors.length === 0) return;
  throw invalid({ resource: 'writeoptions', kind: 'WriteOptions.meta.k8s.io' }, '', errors);
}
