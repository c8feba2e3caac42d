/** Where an object is meant to be that does not say. */
export const DEFAULT_NAMESPACE = 'default';

/** The part of the Kubernetes object model that every stored object shares. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Decimal string of the store's revision at which this object was last written. */
  readonly resourceVersion: string;
  /** Counts changes of spec and the mark of deletion; status writes leave it alone. */
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Who owns which fields; left out while nobody has claimed any. */
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

/** The fields that one manager owns through one kind of write, as Kubernetes keeps them. */
export interface ManagedFieldsEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** RFC 3339, of the last change of this entry. */
  readonly time?: string;
  readonly fieldsType: 'FieldsV1';
  /** Such as `{"f:spec":{"f:ttl":{}}}`. */
  readonly fieldsV1: Readonly<Record<string, unknown>>;
  readonly subresource?: string;
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** `namespace/name`: how an object is named within its collection, in keys, logs and messages. */
export type ObjectName = `${string}/${string}`;

export function objectName(object: { metadata: { namespace: string; name: string } }): ObjectName {
  return `${object.metadata.namespace}/${object.metadata.name}`;
}
