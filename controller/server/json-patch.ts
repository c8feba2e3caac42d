import { isDeepStrictEqual } from 'node:util';
import { applyPatch, type Operation } from 'rfc6902';
import { ApiError } from '../machinery/api-error.ts';
import { isRecord, type JsonObject, ownField, showTyped, showValue } from '../machinery/json.ts';
import { badRequest } from './failures.ts';
import { plain, plainValue } from './sent.ts';

/** As in Kubernetes. */
const MAX_OPERATIONS = 10_000;
/** What copies may add up to: a few of them that copy each other would fill any memory. */
const MAX_COPIED_CHARACTERS = 3 * 1024 * 1024;

const POINTER = /^(\/([^~]|~[01])*)?$/;
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  add: ['value'],
  remove: [],
  replace: ['value'],
  move: ['from'],
  copy: ['from'],
  test: ['value'],
};

/** RFC 6902 operations in their shape; whether they apply is another question. @throws ApiError BadRequest */
export function parseOperations(sent: unknown): readonly Operation[] {
  const operations = plainValue(sent);
  if (!Array.isArray(operations)) {
    throw badRequest(`the patch: found ${showTyped(sent)}, allowed: a list of JSON patch operations`);
  }
  if (operations.length > MAX_OPERATIONS) {
    const message = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${operations.length}`;
    throw new ApiError('RequestEntityTooLarge', message);
  }
  operations.forEach(checkOperation);
  return operations as readonly Operation[];
}

function checkOperation(operation: unknown, index: number): void {
  const why = whyMalformed(operation);
  if (why !== undefined) throw badRequest(`the patch: operation ${index}: ${why}`);
}

function whyMalformed(operation: unknown): string | undefined {
  if (!isRecord(operation)) return `found ${showTyped(operation)}, allowed: an object`;
  const op = ownField(operation, 'op');
  const needs = typeof op === 'string' && Object.hasOwn(NEEDS, op) ? NEEDS[op] : undefined;
  if (!needs) return `op: found ${showValue(op)}, allowed: ${Object.keys(NEEDS).join(', ')}`;
  for (const field of ['path', ...needs]) {
    if (!Object.hasOwn(operation, field)) return `${field}: required but missing`;
    const found = operation[field];
    if (field === 'value' || (typeof found === 'string' && POINTER.test(found))) continue;
    return `${field}: found ${showTyped(found)}, allowed: a JSON pointer such as /spec/ttl`;
  }
  return undefined;
}

/**
 * The target with the operations applied; the target itself is not changed.
 * @throws ApiError Invalid for the first operation that does not apply
 */
export function applyOperations(target: object, operations: readonly Operation[]): JsonObject {
  const document = plain(target);
  let copied = 0;
  for (const operation of operations) {
    if (operation.op === 'copy')
      copied += JSON.stringify(find(document, operation.from).value ?? null).length;
    if (copied > MAX_COPIED_CHARACTERS) {
      throw refused(operation, `copies more than ${MAX_COPIED_CHARACTERS} characters`);
    }
    const why = whyNot(document, operation) ?? applyOne(document, operation);
    if (why !== undefined) throw refused(operation, why);
  }
  return plain(document);
}

/** The library reads inherited names and takes any text for an index: what does not apply never gets there. */
function whyNot(document: JsonObject, operation: Operation): string | undefined {
  const { op, path } = operation;
  const target = find(document, path);
  if (op === 'test') return whyDifferent(path, target, operation.value);
  if (
    (op === 'move' || op === 'copy') &&
    (operation.from === '' || !find(document, operation.from).isFound)
  ) {
    return `${op} operation does not apply: doc is missing from path: ${operation.from}: missing value`;
  }
  if (path === '') return `${op} operation does not apply: the whole object cannot be changed at once`;
  const isAdding = op === 'add' || op === 'move' || op === 'copy';
  if (isAdding ? target.canAdd : target.isFound) return undefined;
  return `${op} operation does not apply: doc is missing ${isAdding ? 'path' : 'key'}: ${path}: missing value`;
}

/** As in Kubernetes, what is missing counts as null. */
function whyDifferent(path: string, { value, isFound }: Found, expected: unknown): string | undefined {
  if (isDeepStrictEqual(value ?? null, expected)) return undefined;
  if (!isFound) return `testing path ${path} failed: missing value`;
  return `testing value ${path} failed: found ${showValue(value)}, the patch expects ${showValue(expected)}`;
}

function applyOne(document: JsonObject, operation: Operation): string | undefined {
  if (operation.op === 'test') return undefined;
  const [error] = applyPatch(document, [operation]);
  return error ? `${operation.op} operation does not apply: ${error.message}` : undefined;
}

interface Found {
  readonly value: unknown;
  readonly isFound: boolean;
  /** Whether a value can be put there: its parent is there, and an index not beyond the end. */
  readonly canAdd: boolean;
}

const NOWHERE: Found = { value: undefined, isFound: false, canAdd: false };

function find(document: JsonObject, pointer: string): Found {
  let current: Found = { value: document, isFound: true, canAdd: false };
  for (const token of pointer.split('/').slice(1)) {
    if (!current.isFound) return NOWHERE;
    current = step(current.value, token.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  return current;
}

function step(value: unknown, name: string): Found {
  if (Array.isArray(value)) {
    if (name === '-') return { ...NOWHERE, canAdd: true };
    if (!/^(0|[1-9]\d{0,8})$/.test(name)) return NOWHERE;
    const index = Number(name);
    return { value: value[index], isFound: index < value.length, canAdd: index <= value.length };
  }
  if (!isRecord(value) || UNSAFE.includes(name)) return NOWHERE;
  return { value: ownField(value, name), isFound: Object.hasOwn(value, name), canAdd: true };
}

/** Names that mean something else to JavaScript; no field of ours is called so. */
const UNSAFE = ['__proto__', 'constructor', 'prototype'];

function refused({ path }: Operation, why: string): ApiError {
  const message = `the server rejected our request due to an error in our request: ${why}`;
  const field = path.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
  return new ApiError('Invalid', message, [{ field, type: 'Invalid', message: why }]);
}
