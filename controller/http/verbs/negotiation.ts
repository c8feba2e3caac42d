import { ApiError } from '../../machinery/api-error.ts';
import { JSON_TYPE, YAML_TYPE } from './body.ts';

/** What a client wants to be answered with. */
export type Form =
  | { readonly as: 'Object'; readonly syntax: Syntax }
  | {
      readonly as: 'PartialObjectMetadata' | 'Table';
      readonly version: TransformVersion;
      readonly syntax: Syntax;
    };

type Syntax = 'json' | 'yaml';
type TransformVersion = 'v1' | 'v1beta1';

/** Watches are lines, which YAML has none of. */
export type Purpose = 'object' | 'list' | 'watch';

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * The first of the client's media ranges, by weight and then in its order, that can be served.
 * @throws ApiError NotAcceptable
 */
export function negotiate(accept: string | undefined, purpose: Purpose): Form {
  if (accept === undefined || accept.trim() === '') return { as: 'Object', syntax: 'json' };
  for (const range of parseAccept(accept)) {
    const form = formOf(range, purpose);
    if (form) return form;
  }
  const served = purpose === 'watch' ? JSON_TYPE : `${JSON_TYPE}, ${YAML_TYPE}`;
  throw new ApiError('NotAcceptable', `only the following media types are accepted: ${served}`);
}

function parseAccept(accept: string): readonly MediaRange[] {
  const ranges = accept.split(',').map((text) => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim());
    const pairs = rest.map((part) => {
      const at = part.indexOf('=');
      return at === -1
        ? ([part, ''] as const)
        : ([part.slice(0, at).trim(), part.slice(at + 1).trim()] as const);
    });
    const parameters = new Map(pairs.map(([name, value]) => [name.toLowerCase(), value] as const));
    const weight = Number(parameters.get('q') ?? 1);
    return { type: type.toLowerCase(), parameters, weight: Number.isNaN(weight) ? 1 : weight };
  });
  return ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
}

function formOf({ type, parameters }: MediaRange, purpose: Purpose): Form | undefined {
  const syntax = syntaxOf(type, purpose);
  if (syntax === undefined) return undefined;
  const as = parameters.get('as');
  if (as === undefined) return { as: 'Object', syntax };
  const version = parameters.get('v');
  if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  if (as === 'Table') return { as, version, syntax };
  const partial = purpose === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  return as === partial ? { as: 'PartialObjectMetadata', version, syntax } : undefined;
}

function syntaxOf(type: string, purpose: Purpose): Syntax | undefined {
  if (type === JSON_TYPE || type === '*/*' || type === 'application/*') return 'json';
  const isYaml = type === YAML_TYPE || type === 'application/x-yaml' || type === 'text/yaml';
  return isYaml && purpose !== 'watch' ? 'yaml' : undefined;
}
