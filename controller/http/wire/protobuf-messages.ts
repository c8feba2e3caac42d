/** What stands in a field, and how JSON has it. Nothing here contains itself, so decoding is as deep as this table. */
export type FieldType = 'string' | 'integer' | 'boolean' | 'Time' | 'MicroTime' | 'StringMap' | Message;

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly isList?: boolean;
}

/** By field number, as Kubernetes' generated.proto files have them; what is missing here is skipped. */
export type Message = ReadonlyMap<number, Field>;

function message(fields: Readonly<Record<number, readonly [string, FieldType, 'list'?]>>): Message {
  const entries = Object.entries(fields).map(([number, [name, type, list]]): [number, Field] => {
    return [Number(number), { name, type, ...(list ? { isList: true } : {}) }];
  });
  return new Map(entries);
}

const OWNER_REFERENCE = message({
  1: ['kind', 'string'],
  3: ['name', 'string'],
  4: ['uid', 'string'],
  5: ['apiVersion', 'string'],
  6: ['controller', 'boolean'],
  7: ['blockOwnerDeletion', 'boolean'],
});

const OBJECT_META = message({
  1: ['name', 'string'],
  2: ['generateName', 'string'],
  3: ['namespace', 'string'],
  5: ['uid', 'string'],
  6: ['resourceVersion', 'string'],
  7: ['generation', 'integer'],
  8: ['creationTimestamp', 'Time'],
  9: ['deletionTimestamp', 'Time'],
  10: ['deletionGracePeriodSeconds', 'integer'],
  11: ['labels', 'StringMap'],
  12: ['annotations', 'StringMap'],
  13: ['ownerReferences', OWNER_REFERENCE, 'list'],
  14: ['finalizers', 'string', 'list'],
});

const DELETE_OPTIONS = message({
  1: ['gracePeriodSeconds', 'integer'],
  2: ['preconditions', message({ 1: ['uid', 'string'], 2: ['resourceVersion', 'string'] })],
  3: ['orphanDependents', 'boolean'],
  4: ['propagationPolicy', 'string'],
  5: ['dryRun', 'string', 'list'],
});

const RESOURCE_ATTRIBUTES = message({
  1: ['namespace', 'string'],
  2: ['verb', 'string'],
  3: ['group', 'string'],
  4: ['version', 'string'],
  5: ['resource', 'string'],
  6: ['subresource', 'string'],
  7: ['name', 'string'],
});

const ACCESS_SPEC = message({
  1: ['resourceAttributes', RESOURCE_ATTRIBUTES],
  2: ['nonResourceAttributes', message({ 1: ['path', 'string'], 2: ['verb', 'string'] })],
});

const OBJECT_REFERENCE = message({
  1: ['kind', 'string'],
  2: ['namespace', 'string'],
  3: ['name', 'string'],
  4: ['uid', 'string'],
  5: ['apiVersion', 'string'],
  6: ['resourceVersion', 'string'],
  7: ['fieldPath', 'string'],
});

const EVENT_SOURCE = message({ 1: ['component', 'string'], 2: ['host', 'string'] });
const EVENT_SERIES = message({ 1: ['count', 'integer'], 2: ['lastObservedTime', 'MicroTime'] });

const CORE_EVENT = message({
  1: ['metadata', OBJECT_META],
  2: ['involvedObject', OBJECT_REFERENCE],
  3: ['reason', 'string'],
  4: ['message', 'string'],
  5: ['source', EVENT_SOURCE],
  6: ['firstTimestamp', 'Time'],
  7: ['lastTimestamp', 'Time'],
  8: ['count', 'integer'],
  9: ['type', 'string'],
  10: ['eventTime', 'MicroTime'],
  11: ['series', EVENT_SERIES],
  12: ['action', 'string'],
  13: ['related', OBJECT_REFERENCE],
  14: ['reportingComponent', 'string'],
  15: ['reportingInstance', 'string'],
});

const EVENTS_EVENT = message({
  1: ['metadata', OBJECT_META],
  2: ['eventTime', 'MicroTime'],
  3: ['series', EVENT_SERIES],
  4: ['reportingController', 'string'],
  5: ['reportingInstance', 'string'],
  6: ['action', 'string'],
  7: ['reason', 'string'],
  8: ['regarding', OBJECT_REFERENCE],
  9: ['related', OBJECT_REFERENCE],
  10: ['note', 'string'],
  11: ['type', 'string'],
  12: ['deprecatedSource', EVENT_SOURCE],
  13: ['deprecatedFirstTimestamp', 'Time'],
  14: ['deprecatedLastTimestamp', 'Time'],
  15: ['deprecatedCount', 'integer'],
});

const NAMESPACE = message({
  1: ['metadata', OBJECT_META],
  2: ['spec', message({ 1: ['finalizers', 'string', 'list'] })],
  3: ['status', message({ 1: ['phase', 'string'] })],
});

/** What client-go's typed clients send in protobuf to what is served here; each by kind, and where two share it by group too. */
export const MESSAGES: ReadonlyMap<string, Message> = new Map([
  ['DeleteOptions', DELETE_OPTIONS],
  ['SelfSubjectReview', message({ 1: ['metadata', OBJECT_META] })],
  ['SelfSubjectAccessReview', message({ 1: ['metadata', OBJECT_META], 2: ['spec', ACCESS_SPEC] })],
  [
    'SelfSubjectRulesReview',
    message({ 1: ['metadata', OBJECT_META], 2: ['spec', message({ 1: ['namespace', 'string'] })] }),
  ],
  ['Namespace', NAMESPACE],
  ['Event', CORE_EVENT],
  ['events.k8s.io/v1 Event', EVENTS_EVENT],
]);

/** `runtime.Unknown`, the envelope of every message. */
export const ENVELOPE = { typeMeta: 1, raw: 2, contentEncoding: 3, contentType: 4 } as const;
export const TYPE_META: Message = message({ 1: ['apiVersion', 'string'], 2: ['kind', 'string'] });
