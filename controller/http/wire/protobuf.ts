import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ApiError } from '../../machinery/api-error.ts';
import { type JsonObject, showValue } from '../../machinery/json.ts';
import {
  ENVELOPE,
  type Field,
  type FieldType,
  MESSAGES,
  type Message,
  TYPE_META,
} from './protobuf-messages.ts';

/** The media type of what `decodeProtobuf` reads. */
export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/** `k8s\0`: what Kubernetes puts before every message. */
const MAGIC = Buffer.from('k8s\0');
/** As many fields no object that is served here has; each costs at least two bytes, so this bounds the work too. */
const MAX_FIELDS = 20_000;

/**
 * The JSON form of a body in Kubernetes' protobuf envelope, for the kinds that client-go sends so.
 * @throws ApiError BadRequest for what is none, UnsupportedMediaType for other kinds
 */
export function decodeProtobuf(body: Uint8Array): JsonObject {
  if (!MAGIC.equals(body.subarray(0, MAGIC.length))) {
    throw badBody('it does not begin with the four bytes of Kubernetes protobuf');
  }
  try {
    const budget = { left: MAX_FIELDS };
    const { apiVersion, kind, raw } = readEnvelope(body.subarray(MAGIC.length), budget);
    const message = MESSAGES.get(`${apiVersion} ${kind}`) ?? MESSAGES.get(kind);
    if (!message) throw unsupported(apiVersion, kind);
    return { apiVersion, kind, ...readMessage(raw, message, budget) };
  } catch (error) {
    // The reader throws plain errors for what is cut short or malformed.
    throw error instanceof ApiError ? error : badBody('it is malformed or cut short');
  }
}

interface Budget {
  left: number;
}

function readEnvelope(bytes: Uint8Array, budget: Budget) {
  let typeMeta: JsonObject = {};
  let raw: Uint8Array = new Uint8Array();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    spend(budget);
    const [number, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType, number);
    else if (number === ENVELOPE.typeMeta) typeMeta = readMessage(reader.bytes(), TYPE_META, budget);
    else if (number === ENVELOPE.raw) raw = reader.bytes();
    else if (number === ENVELOPE.contentEncoding) refuseEncoding(reader.string());
    else reader.skip(wireType, number);
  }
  return { apiVersion: String(typeMeta['apiVersion'] ?? ''), kind: String(typeMeta['kind'] ?? ''), raw };
}

function refuseEncoding(encoding: string): void {
  if (encoding !== '') throw badBody(`it is encoded as ${showValue(encoding)}, allowed: no encoding`);
}

/** Empty strings, zeros and false are left out: that is how protobuf's Go types say that there is nothing. */
function readMessage(bytes: Uint8Array, message: Message, budget: Budget): JsonObject {
  const found = new Map<string, unknown>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    spend(budget);
    const [number, wireType] = reader.tag();
    const field = message.get(number);
    if (!field || wireType !== wireTypeOf(field.type)) reader.skip(wireType, number);
    else addField(found, field, reader, budget);
  }
  const values = [...found].map(([name, value]) => {
    return [name, value instanceof Map ? Object.fromEntries(value) : value] as const;
  });
  return Object.fromEntries(values);
}

function wireTypeOf(type: FieldType): WireType {
  return type === 'integer' || type === 'boolean' ? WireType.Varint : WireType.LengthDelimited;
}

/** Lists and maps grow in place: to copy them for each item would take as long as the square of their length. */
function addField(found: Map<string, unknown>, field: Field, reader: BinaryReader, budget: Budget): void {
  const before = found.get(field.name);
  if (field.type === 'StringMap') {
    const [key, value] = readMapEntry(reader.bytes(), budget);
    if (before instanceof Map) before.set(key, value);
    else found.set(field.name, new Map([[key, value]]));
    return;
  }
  const value = readValue(field.type, reader, budget);
  if (field.isList && Array.isArray(before)) before.push(value);
  else if (field.isList) found.set(field.name, [value]);
  else if (isNothing(value)) found.delete(field.name);
  else found.set(field.name, value);
}

function isNothing(value: unknown): boolean {
  return value === '' || value === 0 || value === false || value === undefined;
}

function readValue(type: Exclude<FieldType, 'StringMap'>, reader: BinaryReader, budget: Budget): unknown {
  switch (type) {
    case 'string':
      return reader.string(true);
    case 'boolean':
      return reader.bool();
    case 'integer':
      return readInteger(reader);
    case 'Time':
    case 'MicroTime':
      return readTime(reader.bytes(), type, budget);
    default:
      return readMessage(reader.bytes(), type, budget);
  }
}

function readInteger(reader: BinaryReader): number {
  const value = Number(reader.int64());
  if (Number.isSafeInteger(value)) return value;
  throw badBody(`found ${value}, allowed: integers up to 2^53`);
}

function readMapEntry(bytes: Uint8Array, budget: Budget): [string, string] {
  let key = '';
  let value = '';
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    spend(budget);
    const [number, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited || number > 2) reader.skip(wireType, number);
    else if (number === 1) key = reader.string(true);
    else value = reader.string(true);
  }
  return [key, value];
}

/** Seconds and nanoseconds as JSON has them: whole seconds, or microseconds. */
function readTime(bytes: Uint8Array, type: 'Time' | 'MicroTime', budget: Budget): string | undefined {
  let seconds = 0;
  let nanos = 0;
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    spend(budget);
    const [number, wireType] = reader.tag();
    if (wireType !== WireType.Varint || number > 2) reader.skip(wireType, number);
    else if (number === 1) seconds = readInteger(reader);
    else nanos = reader.int32();
  }
  // An empty time is Go's zero time, which JSON has no value for.
  if (seconds === 0 && nanos === 0) return undefined;
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime()) || nanos < 0 || nanos >= 1e9) throw badBody('found a time that is none');
  const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return at.toISOString().replace(/\.\d{3}Z$/, type === 'Time' ? 'Z' : `.${micros}Z`);
}

function spend(budget: Budget): void {
  budget.left -= 1;
  if (budget.left < 0) throw badBody(`it has more than ${MAX_FIELDS} fields`);
}

function badBody(why: string): ApiError {
  return new ApiError('BadRequest', `the body cannot be read as ${PROTOBUF}: ${why}`);
}

function unsupported(apiVersion: string, kind: string): ApiError {
  const message = `${showValue(`${apiVersion} ${kind}`)} cannot be read as ${PROTOBUF}: send application/json`;
  return new ApiError('UnsupportedMediaType', message);
}
