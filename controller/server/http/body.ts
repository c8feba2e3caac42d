import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from '../../api/client.ts';
import { copyJson, isRecord, JsonError, type JsonObject } from '../../api/json.ts';
import { readYaml } from '../../api/manifest.ts';
import { decodeProtobuf, PROTOBUF } from './protobuf.ts';

export const JSON_TYPE = 'application/json';
export const YAML_TYPE = 'application/yaml';
/** What is nested deeper would end the stack of whoever reads or writes it again. How much there is the length of the body bounds. */
const LIMITS = { maxDepth: 64, maxNodes: Number.POSITIVE_INFINITY };

/** Bodies stay bytes until a route reads them: only it knows what may have been sent. */
export function addBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/** `application/json`, lower case and without parameters; undefined when the client did not say. */
export function contentType({ headers }: FastifyRequest): string | undefined {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  return type === '' ? undefined : type;
}

export function bodyBytes({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** @throws ApiError UnsupportedMediaType, worded as Kubernetes does */
export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new ApiError('UnsupportedMediaType', message);
}

/**
 * The object that a create, an update, a delete or a question brought. Who does not say what it is means JSON.
 * @throws ApiError BadRequest, UnsupportedMediaType
 */
export function readBody(request: FastifyRequest): JsonObject {
  const type = contentType(request) ?? JSON_TYPE;
  const bytes = bodyBytes(request);
  if (type === PROTOBUF) return decodeProtobuf(bytes);
  if (type !== JSON_TYPE && type !== YAML_TYPE) throw unsupportedMediaType([JSON_TYPE, YAML_TYPE, PROTOBUF]);
  return asObject(shallow(parseText(bytes, type)));
}

/** @throws ApiError BadRequest */
function shallow(value: unknown): unknown {
  try {
    return copyJson(value, LIMITS);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const where = error.field === '' ? '' : `${error.field}: `;
    throw new ApiError('BadRequest', `the body of the request cannot be read: ${where}${error.message}`);
  }
}

/** Decodes what came as JSON or YAML. @throws ApiError BadRequest */
export function parseText(bytes: Buffer, type: string): unknown {
  const text = decodeUtf8(bytes);
  if (text.trim() === '') throw new ApiError('BadRequest', 'the body of the request is empty');
  // Clients send JSON as the YAML it is; reading it as JSON is quicker, and has no limit of its own.
  if (type === JSON_TYPE || text.trimStart().startsWith('{')) return parseJson(text);
  const read = readYaml(text);
  if (!read.ok)
    throw new ApiError('BadRequest', `the body of the request cannot be read: ${read.error.message}`);
  return read.value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ApiError('BadRequest', `the body of the request is not JSON: ${why}`);
  }
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError('BadRequest', 'the body of the request is not UTF-8 text');
  }
}

/** @throws ApiError BadRequest for a list or a scalar */
export function asObject(value: unknown): JsonObject {
  if (isRecord(value)) return value;
  throw new ApiError('BadRequest', 'the body of the request has to be one object');
}
