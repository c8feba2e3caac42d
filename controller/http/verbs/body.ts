import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readYaml } from '../../api/manifest.ts';
import { ApiError } from '../../machinery/api-error.ts';
import { copyJson, isRecord, JsonError, type JsonObject } from '../../machinery/json.ts';
import { decodeProtobuf, PROTOBUF } from '../wire/protobuf.ts';

export const JSON_TYPE = 'application/json';
export const YAML_TYPE = 'application/yaml';
/**
 * What is nested deeper would end the stack of whoever reads or writes it again. What has more values is no object that the store
 * takes, and each costs some time to look up, to own and to complain about.
 */
const LIMITS = { maxDepth: 64, maxNodes: 50_000 };
/** Of a body that holds many objects. */
export const MANY_OBJECTS = { bodyLimit: 3 * 1024 * 1024, maxNodes: 60_000 };

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
export function readBody(request: FastifyRequest, maxNodes = LIMITS.maxNodes): JsonObject {
  const type = contentType(request) ?? JSON_TYPE;
  const bytes = bodyBytes(request);
  if (type === PROTOBUF) return decodeProtobuf(bytes);
  if (type !== JSON_TYPE && type !== YAML_TYPE) throw unsupportedMediaType([JSON_TYPE, YAML_TYPE, PROTOBUF]);
  return asObject(shallow(parseText(bytes, type, maxNodes), maxNodes));
}

/** @throws ApiError RequestEntityTooLarge, before anything is made of it */
function checkSize(text: string, maxNodes: number): void {
  let values = 0;
  let depth = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isText = !isText;
    else if (isText && code === BACKSLASH) at++;
    if (isText) continue;
    if (code === BRACE || code === BRACKET) depth++;
    else if (code === BRACE_END || code === BRACKET_END) depth--;
    else if (code !== COMMA && code !== COLON) continue;
    values++;
    // One level more than there may be values at.
    if (depth > LIMITS.maxDepth + 1) throw unreadable(`nested deeper than ${LIMITS.maxDepth} levels`);
    // A field has a colon and a comma.
    if (values > 2 * maxNodes) throw tooManyValues(maxNodes);
  }
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d];

function unreadable(why: string): ApiError {
  return new ApiError('BadRequest', `the body of the request cannot be read: ${why}`);
}

function tooManyValues(maxNodes: number): ApiError {
  const message = `Request entity too large: it has more than ${maxNodes} values, which no object has: send less in one request`;
  return new ApiError('RequestEntityTooLarge', message);
}

/** @throws ApiError BadRequest */
function shallow(value: unknown, maxNodes: number): unknown {
  try {
    return copyJson(value, { ...LIMITS, maxNodes });
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    if (error.message.startsWith('found more than')) throw tooManyValues(maxNodes);
    const where = error.field === '' ? '' : `${error.field}: `;
    throw unreadable(`${where}${error.message}`);
  }
}

/** Decodes what came as JSON or YAML. @throws ApiError BadRequest */
export function parseText(bytes: Buffer, type: string, maxNodes = LIMITS.maxNodes): unknown {
  const text = decodeUtf8(bytes);
  if (text.trim() === '') throw new ApiError('BadRequest', 'the body of the request is empty');
  // Clients send JSON as the YAML it is; reading it as JSON is quicker, and has no limit of its own.
  if (type === JSON_TYPE || text.trimStart().startsWith('{')) {
    checkSize(text, maxNodes);
    return parseJson(text);
  }
  const read = readYaml(text);
  if (!read.ok) throw unreadable(read.error.message);
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
