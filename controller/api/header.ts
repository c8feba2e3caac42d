import type { FieldError } from '../machinery/api-error.ts';
import { ownField, showValue } from '../machinery/json.ts';
import { suggest } from '../machinery/suggest.ts';
import { API_VERSION, GROUP, KIND } from './bastion.ts';

/** Whether `kind` is Bastion or what a person may well have written for it: then the rest is worth checking too. */
export function isMeantAsBastion(object: unknown): boolean {
  const kind = ownField(object, 'kind');
  return kind === undefined || (typeof kind === 'string' && suggest(kind, [KIND]) !== undefined);
}

/** Checks apiVersion and kind. */
export function checkHeader(object: unknown): FieldError[] {
  return [...checkApiVersion(ownField(object, 'apiVersion')), ...checkKind(ownField(object, 'kind'))];
}

function checkApiVersion(found: unknown): FieldError[] {
  const field = 'apiVersion';
  if (found === API_VERSION) return [];
  if (found === undefined || found === null) {
    return [{ field, type: 'Required', message: `required but missing, allowed: ${API_VERSION}` }];
  }
  const near = typeof found === 'string' && (found.startsWith(GROUP) || suggest(found, [API_VERSION]));
  const hint = near ? `did you mean ${API_VERSION}?` : `allowed: ${API_VERSION}`;
  return [{ field, type: 'NotSupported', message: `found ${showValue(found)}, ${hint}` }];
}

function checkKind(found: unknown): FieldError[] {
  const field = 'kind';
  if (found === KIND) return [];
  if (found === undefined || found === null) {
    return [{ field, type: 'Required', message: `required but missing, allowed: ${KIND}` }];
  }
  const near = typeof found === 'string' && suggest(found, [KIND]) !== undefined;
  const why = found === 'BastionSpec' ? ' A BastionSpec is what stands under spec: of a Bastion.' : '';
  const hint = near ? `did you mean kind: ${KIND}?${why}` : `allowed: ${KIND}`;
  return [{ field, type: 'NotSupported', message: `found ${showValue(found)}, ${hint}` }];
}
