import type { Admission } from '../api/admission.ts';
import type { ParsedDocument } from '../api/manifest.ts';
import { type BastionManifest, formatFieldError, validateBastion } from '../api/schema.ts';
import type { FieldError } from '../machinery/api-error.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { ObjectName } from '../machinery/object.ts';
import type { digestsOf, Said } from './digests.ts';
import type { Touch, TreeEntry } from './repository.ts';

export interface Declaration extends Said {
  readonly name: ObjectName;
  readonly manifest: BastionManifest;
  readonly path: string;
  readonly blob: string;
  /** Of documents in other files that declare the same Bastion and do not count. */
  readonly others?: readonly Said[];
  readonly touch: Touch;
}

/** A file, or one document of it, that says something nobody understands. */
export interface Failure {
  readonly path: string;
  /** Left out when not even the name could be read: it may then be about any Bastion of that file. */
  readonly name?: ObjectName;
  readonly message: string;
  /** There is nothing in the file at all. */
  readonly isBlank?: true;
}

export type Found = { readonly file: TreeEntry } & (
  | { readonly declaration: Declaration }
  | { readonly failure: Failure }
);

/** What the configuration of the controller makes of a manifest. */
export type Admit = (manifest: JsonObject, name: ObjectName) => Admission;

interface Judging {
  readonly admit: Admit;
  readonly saidBy: ReturnType<typeof digestsOf>;
  readonly defaultNamespace: string;
}

/** What one document of a file says, if it is meant for us. */
export function judge(
  document: ParsedDocument,
  file: TreeEntry,
  touch: Touch,
  { admit, defaultNamespace, saidBy }: Judging,
): Found[] {
  const { path, blob } = file;
  if (!document.ok) {
    if (isSomethingElse(document)) return [];
    return [{ file, failure: failureOf(path, document.errors, nameOfFailed(document)) }];
  }
  const { metadata } = document.manifest;
  const name: ObjectName = `${metadata.namespace ?? defaultNamespace}/${metadata.name}`;
  const admission = admit(document.manifest, name);
  const validation = admission.ok ? validateBastion(admission.object) : admission;
  if (!validation.ok) {
    const { errors } = validation;
    return [{ file, failure: failureOf(path, errors, nameOfFailed({ ...metadata, errors })) }];
  }
  const said = saidBy(document);
  return [{ file, declaration: { name, manifest: validation.value, path, blob, ...said, touch } }];
}

/** How every kind and every version of Kubernetes is written; what is encrypted, or a placeholder, is not. */
const KIND_NAME = /^[A-Z][A-Za-z0-9]*$/;
const API_VERSION_NAME = /^([a-z0-9.-]+\/)?v\d\w*$/;

/** Repositories hold other YAML too: what plainly is of another kind is none of our business. */
function isSomethingElse(document: Extract<ParsedDocument, { ok: false }>): boolean {
  const { apiVersion = '', kind = '' } = document;
  if (!KIND_NAME.test(kind) || !API_VERSION_NAME.test(apiVersion)) return false;
  const header = document.errors.filter(
    ({ field, type }) => /^(kind|apiVersion)$/.test(field) && type === 'NotSupported',
  );
  return header.length === 2 && header.every(({ message }) => message.includes('allowed:'));
}

function failureOf(path: string, errors: readonly FieldError[], name: ObjectName | undefined): Failure {
  return { path, message: errors.map(formatFieldError).join('; '), ...(name && { name }) };
}

interface Failed {
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly errors: readonly FieldError[];
}

/**
 * Only what is written out: a namespace may be missing because its line is what is wrong, and the default would then name a Bastion
 * that the file is not about.
 */
function nameOfFailed({ name, namespace, errors }: Failed): ObjectName | undefined {
  // Metadata is not looked at where the kind is another one.
  const isDoubtful = errors.some(({ field }) => /^(kind|metadata\.(name|namespace))$/.test(field));
  if (name === undefined || namespace === undefined || isDoubtful) return undefined;
  return `${namespace}/${name}`;
}
