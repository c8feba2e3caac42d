import type { FieldError } from '../machinery/api-error.ts';
import { type JsonObject, showValue } from '../machinery/json.ts';
import { compileStructure, type StructureCheck } from '../machinery/structure.ts';
import { API_VERSION } from './bastion.ts';
import { guardSchema } from './crd.ts';
import { GUARD_KIND } from './guard.ts';
import { checkMetadata } from './metadata.ts';

let compiled: StructureCheck | undefined;

function checkStructure(object: unknown): readonly FieldError[] {
  if (!compiled) {
    const schema = guardSchema();
    // The header and the metadata have checks of their own, with better messages.
    compiled = compileStructure({
      ...schema,
      properties: { ...schema.properties, apiVersion: {}, kind: {}, metadata: {} },
    });
  }
  return compiled(object);
}

/** Checks a Guard as a client sends it; what it says of the status is the controller's and is passed over. */
export function validateGuard({ status: _status, ...sent }: JsonObject): readonly FieldError[] {
  return [
    ...checkOneOf('apiVersion', sent['apiVersion'], API_VERSION),
    ...checkOneOf('kind', sent['kind'], GUARD_KIND),
    ...checkMetadata(sent['metadata']),
    ...checkStructure(sent),
  ];
}

export function validateGuardStatus(status: unknown): readonly FieldError[] {
  return checkStructure({ status });
}

function checkOneOf(field: string, found: unknown, allowed: string): FieldError[] {
  if (found === allowed) return [];
  return [{ field, type: 'NotSupported', message: `found ${showValue(found)}, allowed: ${allowed}` }];
}
