import { checkMetadata } from '../api/metadata.ts';
import type { FieldError } from '../machinery/api-error.ts';
import { type Clock, rfc3339 } from '../machinery/clock.ts';
import type { KubeEvent } from '../machinery/event.ts';
import { isRecord, type JsonObject, ownField, showTyped, showValue } from '../machinery/json.ts';
import type { StructuralSchema } from '../machinery/structural-schema.ts';
import type { Strategy } from './strategy.ts';

const INVOLVED = ['apiVersion', 'kind', 'namespace', 'name', 'uid', 'resourceVersion', 'fieldPath'];

/** The fields of a core/v1 Event; what is within them is not looked at. */
const FIELDS = [
  ...['apiVersion', 'kind', 'metadata', 'involvedObject', 'reason', 'message', 'source', 'firstTimestamp'],
  ...['lastTimestamp', 'count', 'type', 'eventTime', 'series', 'action', 'related', 'reportingComponent'],
  'reportingInstance',
];
const SCHEMA: StructuralSchema = {
  type: 'object',
  properties: Object.fromEntries(FIELDS.map((field) => [field, {}])),
};

export function eventStrategy(clock: Clock): Strategy<KubeEvent> {
  return {
    collection: 'events',
    apiVersion: 'v1',
    resource: 'events',
    kind: 'Event',
    selectable: [
      'metadata.name',
      'metadata.namespace',
      'reason',
      'type',
      ...INVOLVED.map((name) => `involvedObject.${name}`),
    ],
    countsGenerations: false,
    isTracked: false,
    schema: () => SCHEMA,
    complete: (stored) => stored,
    prepare(sent) {
      const errors = checkEvent(sent);
      if (errors.length > 0) return { ok: false, errors };
      const { metadata: _metadata, ...content } = sent;
      const now = rfc3339(clock.now());
      const defaults = { type: 'Normal', count: 1, firstTimestamp: now, lastTimestamp: now };
      return { ok: true, content: { ...defaults, source: { component: '' }, ...content } };
    },
  };
}

function checkEvent(sent: JsonObject): FieldError[] {
  const involved = ownField(sent, 'involvedObject');
  return [
    ...checkOneOf('apiVersion', sent['apiVersion'], ['v1']),
    ...checkOneOf('kind', sent['kind'], ['Event']),
    ...checkMetadata(sent['metadata']),
    ...checkInvolved(involved, ownField(sent['metadata'], 'namespace')),
    ...(sent['type'] === undefined ? [] : checkOneOf('type', sent['type'], ['Normal', 'Warning'])),
    ...checkText('reason', sent['reason']),
    ...checkText('message', sent['message']),
    ...checkCount(sent['count']),
  ];
}

function checkInvolved(involved: unknown, namespace: unknown): FieldError[] {
  const field = 'involvedObject';
  if (!isRecord(involved)) {
    return [{ field, type: 'Required', message: `found ${showTyped(involved)}, allowed: an object` }];
  }
  const errors = ['kind', 'name'].flatMap((name) => checkText(`${field}.${name}`, ownField(involved, name)));
  const found = ownField(involved, 'namespace');
  if (found === namespace) return errors;
  const message = `found ${showValue(found)}, allowed: the event's own namespace, ${showValue(namespace)}`;
  return [...errors, { field: `${field}.namespace`, type: 'Invalid', message }];
}

function checkOneOf(field: string, found: unknown, allowed: readonly string[]): FieldError[] {
  if (typeof found === 'string' && allowed.includes(found)) return [];
  return [
    { field, type: 'NotSupported', message: `found ${showValue(found)}, allowed: ${allowed.join(', ')}` },
  ];
}

function checkText(field: string, found: unknown): FieldError[] {
  if (typeof found === 'string' && found !== '') return [];
  return [{ field, type: 'Required', message: `found ${showTyped(found)}, allowed: a text` }];
}

function checkCount(found: unknown): FieldError[] {
  if (found === undefined || (Number.isSafeInteger(found) && Number(found) >= 1)) return [];
  const message = `found ${showTyped(found)}, allowed: an integer from 1`;
  return [{ field: 'count', type: 'Invalid', message }];
}
