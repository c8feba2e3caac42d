import type { FastifyReply, FastifyRequest } from 'fastify';
import { dump } from 'js-yaml';
import type { ApiColumn } from '../../api/columns.ts';
import { ApiError } from '../../machinery/api-error.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { List } from '../../machinery/resources.ts';
import { holdAnswer } from '../door/admission.ts';
import { JSON_TYPE, YAML_TYPE } from './body.ts';
import { type Form, negotiate, type Purpose } from './negotiation.ts';
import { flagParameter, textParameter } from './query.ts';

/** What the answers about one resource type look like. */
export interface Shape {
  readonly apiVersion: string;
  readonly kind: string;
  readonly columns: readonly ApiColumn[];
}

/** How one request wants its answer. */
export interface Representation {
  readonly form: Form;
  /** How much of each object a Table carries. */
  readonly includeObject: IncludeObject;
  readonly isPretty: boolean;
}

type IncludeObject = 'None' | 'Metadata' | 'Object';

/** @throws ApiError NotAcceptable, BadRequest */
export function readRepresentation(request: FastifyRequest, purpose: Purpose): Representation {
  const form = negotiate(request.headers.accept, purpose);
  const includeObject = textParameter(request, 'includeObject') ?? 'Metadata';
  if (includeObject !== 'None' && includeObject !== 'Metadata' && includeObject !== 'Object') {
    const found = JSON.stringify(includeObject);
    const message = `includeObject: Invalid value: ${found}: must be 'Metadata', 'Object', 'None', or empty`;
    throw new ApiError('BadRequest', message);
  }
  return { form, includeObject, isPretty: flagParameter(request, 'pretty') ?? false };
}

/** One object of a list or of a watch, or one alone. */
export function representObject(
  object: KubeObject,
  { form, includeObject }: Representation,
  shape: Shape,
  now: number,
): object {
  if (form.as === 'Object') return object;
  if (form.as === 'PartialObjectMetadata') return partial(object, form.version);
  const { version } = form;
  const { resourceVersion } = object.metadata;
  const only = tableRow(object, { version, includeObject, columns: shape.columns, now });
  return { ...table(version, shape, { resourceVersion }), rows: [only] };
}

export function representList(
  { items, resourceVersion, ...rest }: List<KubeObject>,
  representation: Representation,
  shape: Shape,
  now: number,
): object {
  const { form } = representation;
  const metadata = {
    resourceVersion,
    ...(rest.continue === undefined ? {} : { continue: rest.continue }),
    ...(rest.remainingItemCount === undefined ? {} : { remainingItemCount: rest.remainingItemCount }),
  };
  if (form.as === 'Object') {
    const shown = items.map((item) => representItem(item, representation, shape, now));
    return { kind: `${shape.kind}List`, apiVersion: shape.apiVersion, metadata, items: shown };
  }
  const { version } = form;
  const rows = items.map((item) => representItem(item, representation, shape, now));
  if (form.as === 'Table') return { ...table(version, shape, metadata), rows };
  const header = { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}`, metadata };
  return { ...header, items: rows };
}

/** One item of a list: an object, or a row of a Table. */
export function representItem(
  item: KubeObject,
  { form, includeObject }: Representation,
  { columns }: Shape,
  now: number,
): object {
  if (form.as === 'Object') return item;
  if (form.as === 'PartialObjectMetadata') return partial(item, form.version);
  return tableRow(item, { version: form.version, includeObject, columns, now });
}

const partials = new WeakMap<KubeObject, Map<string, object>>();

/** The same each time, so that it is encoded once. */
function partial(object: KubeObject, version: string): object {
  const known = partials.get(object) ?? new Map<string, object>();
  partials.set(object, known);
  const { metadata } = object;
  const shown = known.get(version) ?? {
    ...{ kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata },
  };
  known.set(version, shown);
  return shown;
}

function table(version: string, { columns }: Shape, metadata: object) {
  const columnDefinitions = columns.map(({ name, type, format, description, priority }) => {
    return { name, type, format, description, priority };
  });
  return { kind: 'Table', apiVersion: `meta.k8s.io/${version}`, metadata, columnDefinitions };
}

interface RowOptions {
  readonly version: string;
  readonly includeObject: IncludeObject;
  readonly columns: readonly ApiColumn[];
  readonly now: number;
}

function tableRow(object: KubeObject, { version, includeObject, columns, now }: RowOptions) {
  const cells = columns.map(({ type, cell }) => {
    const text = cell(object, now);
    return type === 'integer' && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  });
  if (includeObject === 'None') return { cells };
  return { cells, object: includeObject === 'Object' ? object : partial(object, version) };
}

/** Answers in the syntax that was asked for. As bytes, for a text would be given a charset that JSON has none of. */
export function answer(reply: FastifyReply, body: object, { form, isPretty }: Representation, code = 200) {
  const isYaml = form.syntax === 'yaml';
  const text = isYaml ? dump(body, { noRefs: true }) : `${JSON.stringify(body, null, isPretty ? 2 : 0)}\n`;
  const bytes = Buffer.from(text);
  holdAnswer(reply.request, reply, bytes.length).block(true);
  return reply
    .code(code)
    .header('Content-Type', isYaml ? YAML_TYPE : JSON_TYPE)
    .send(bytes);
}
