import { readFileSync } from 'node:fs';
import { bastionSchema, guardSchema } from '../../../controller/api/crd.ts';
import type { JsonObject } from '../../../controller/machinery/json.ts';
import type { StructuralSchema } from '../../../controller/machinery/structural-schema.ts';

export type Kind = 'Bastion' | 'Guard';

export interface Step {
  readonly verb: 'store' | 'create' | 'update' | 'patch' | 'apply';
  readonly manager: string;
  readonly force?: boolean;
  readonly subresource?: 'status';
  readonly object: JsonObject;
}

export interface Scenario {
  readonly name: string;
  readonly kind: Kind;
  readonly steps: readonly Step[];
}

export interface Outcome {
  readonly object?: JsonObject;
  readonly message?: string;
  readonly conflicts?: readonly { readonly field: string; readonly message: string }[];
  readonly error?: string;
}

export interface Golden {
  readonly name: string;
  readonly steps: readonly Outcome[];
}

export const API_VERSION = 'bastion-operator.dev/v1alpha1';

export function schemaOf(kind: Kind): StructuralSchema {
  return kind === 'Bastion' ? bastionSchema() : guardSchema();
}

export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8')) as T;
}
