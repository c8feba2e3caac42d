import type { AwsFault } from '../world.ts';
import type { Call } from './decode.ts';
import { ListOf } from './list-of.ts';

export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const EC2_NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';
const QUERY_NAMESPACES: Readonly<Record<string, string>> = {
  iam: 'https://iam.amazonaws.com/doc/2010-05-08/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
  rds: 'http://rds.amazonaws.com/doc/2014-10-31/',
  elasticache: 'http://elasticache.amazonaws.com/doc/2015-02-02/',
};

/** Writes an operation's result in the protocol it was asked in. */
export function encodeResult(call: Call, result: object, requestId: string): WireResponse {
  const { operation, protocol, service } = call;
  if (isJson(protocol)) return jsonResponse(200, JSON.stringify(jsonValue(result)), requestId);
  if (protocol === 'ec2') {
    const body = `<requestId>${requestId}</requestId>${members(result, 'item')}`;
    return xmlResponse(
      200,
      `<${operation}Response xmlns="${EC2_NAMESPACE}">${body}</${operation}Response>`,
      requestId,
    );
  }
  const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
  const body = `<${operation}Result>${members(result, 'member')}</${operation}Result>${metadata}`;
  const namespace = QUERY_NAMESPACES[service] ?? '';
  return xmlResponse(
    200,
    `<${operation}Response xmlns="${namespace}">${body}</${operation}Response>`,
    requestId,
  );
}

/** Writes an error in the protocol's form, so that an SDK gives it `fault.code` as its name. */
export function encodeFault(call: Pick<Call, 'protocol'>, fault: AwsFault, requestId: string): WireResponse {
  const { code, message, status } = fault;
  if (isJson(call.protocol)) {
    const body = JSON.stringify({
      __type: code,
      message,
      Message: message,
      ...objectOf(jsonValue(fault.fields)),
    });
    const response = jsonResponse(status, body, requestId);
    // Where REST clients look first.
    return { ...response, headers: { ...response.headers, 'x-amzn-errortype': code } };
  }
  const error = `<Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message>`;
  if (call.protocol === 'ec2') {
    const body = `<Errors><Error>${error}</Error></Errors><RequestID>${requestId}</RequestID>`;
    return xmlResponse(status, `<Response>${body}</Response>`, requestId);
  }
  const type = status < 500 ? 'Sender' : 'Receiver';
  const body = `<Error><Type>${type}</Type>${error}</Error><RequestId>${requestId}</RequestId>`;
  return xmlResponse(status, `<ErrorResponse>${body}</ErrorResponse>`, requestId);
}

function isJson(protocol: Call['protocol']): boolean {
  return protocol === 'json' || protocol === 'rest-json';
}

function jsonResponse(status: number, body: string, requestId: string): WireResponse {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': requestId },
    body,
  };
}

function xmlResponse(status: number, body: string, requestId: string): WireResponse {
  return {
    status,
    headers: { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId },
    body: `<?xml version="1.0" encoding="UTF-8"?>${body}`,
  };
}

function members(value: object, listElement: string): string {
  return Object.entries(value)
    .map(([name, member]) => element(name, member, listElement))
    .join('');
}

function element(name: string, value: unknown, listElement: string): string {
  if (value === undefined || value === null) return '';
  return `<${name}>${content(value, listElement)}</${name}>`;
}

function content(value: unknown, listElement: string): string {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof ListOf) {
    return value.items.map((entry) => element(value.element, entry, listElement)).join('');
  }
  if (Array.isArray(value)) return value.map((entry) => element(listElement, entry, listElement)).join('');
  return typeof value === 'object' && value !== null ? members(value, listElement) : escapeXml(String(value));
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON protocols write instants as epoch seconds. */
function jsonValue(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, jsonValue(member)]));
}

function objectOf(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
