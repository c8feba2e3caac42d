import type { FastifyRequest } from 'fastify';
import type { JsonObject } from '../../api/json.ts';
import {
  asObject,
  bodyBytes,
  contentType,
  JSON_TYPE,
  PROTOBUF_TYPE,
  parseText,
  unsupportedMediaType,
  YAML_TYPE,
} from './body.ts';
import { decodeProtobuf } from './protobuf.ts';

/** The one object that was sent, in any of the forms that clients have. @throws ApiError BadRequest, UnsupportedMediaType */
export function objectIn(request: FastifyRequest): JsonObject {
  const type = contentType(request) ?? JSON_TYPE;
  if (type === PROTOBUF_TYPE) return decodeProtobuf(bodyBytes(request));
  if (type !== JSON_TYPE && type !== YAML_TYPE) {
    throw unsupportedMediaType([JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE]);
  }
  return asObject(parseText(bodyBytes(request), type));
}
